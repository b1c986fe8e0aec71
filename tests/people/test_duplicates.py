"""Who is likely the same person: names a slip of the pen apart, and what speaks against it."""

import pytest

from people.duplicates import Described, Likeness, distance, heard, likeness

SAME, NEAR, NONE = Likeness.SAME, Likeness.NEAR, Likeness.NONE


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        pytest.param(("Marie", "Dupont", 1980), ("Marie", "Dupont", 1980), SAME, id="all the same"),
        pytest.param(("Élodie", "Lefèvre", 1980), ("elodie", "LEFEVRE", 1980), SAME, id="accents and capitals"),
        pytest.param(("Jean-Pierre", "Roy", None), ("Jean Pierre", "Roy", 1950), SAME, id="hyphen, one year unknown"),
        pytest.param(("Lætitia", "Cœur", 1990), ("Laetitia", "Coeur", 1990), SAME, id="letters joined"),
        pytest.param(("Dupont", "Marie", 1980), ("Marie", "Dupont", 1980), SAME, id="names the other way round"),
        pytest.param(("Marie", "Dupond", 1980), ("Marie", "Dupont", 1980), NEAR, id="one letter"),
        pytest.param(("Amrie", "Dupont", 1980), ("Marie", "Dupont", 1980), NEAR, id="letters swapped"),
        pytest.param(("Philippe", "Morel", 1975), ("Filipe", "Morel", 1975), NEAR, id="sounds the same"),
        pytest.param(("Marie", "Dupont", 1980), ("Marie Anne", "Dupont", 1980), NEAR, id="second first name"),
        pytest.param(("Nadia", "Belkacem", 1980), ("Nadia", "Belkacem Roy", 1980), NEAR, id="married name"),
        pytest.param(("Marie", "Dupont", 1980), ("Marie", "Dupont", 1981), NEAR, id="a year apart"),
        pytest.param(("Marie", "Dupont", 1958), ("Marie", "Dupont", 1985), NEAR, id="digits of the year swapped"),
        pytest.param(
            ("Marie", "Dupont", 1950, "Nantes"), ("Marie", "Dupont", 1980, "nantes"), NEAR, id="other year, same town"
        ),
        pytest.param(
            ("Marie", "Dupont", None, "Nantes"), ("Marie", "Dupont", 1980, "Brest"), NEAR, id="no year, other town"
        ),
        pytest.param(
            ("Marie", "Dupont", 1980, "Nantes"), ("Marie", "Dupont", 1980, "Brest"), SAME, id="same year, moved house"
        ),
        pytest.param(("Marie", "Dupont", 1950), ("Marie", "Dupont", 1980), NONE, id="other year, no town"),
        pytest.param(("Marie", "Dupont", 1980), ("Paul", "Dupont", 1980), NONE, id="of one family"),
        pytest.param(("Marie", "Dupont", 1980), ("Marie", "Martin", 1980), NONE, id="common first name"),
        pytest.param(("Louis", "Roy", 2010), ("Louise", "Roy", 2010), NONE, id="brother and sister"),
        pytest.param(("Paul", "Roy", 2010), ("Paula", "Roy", 2010), NONE, id="twins"),
        pytest.param(("Marie", "", 1980), ("Marie", "Dupont", 1980), NONE, id="no name"),
        pytest.param(("Marie", "Dupond", 1950), ("Marie", "Dupont", 1980), NONE, id="near name, other year"),
    ],
)
def test_likeness_of_two_people(one, other, expected):
    there, back = likeness(Described(*one), Described(*other)), likeness(Described(*other), Described(*one))

    assert (there, back) == (expected, expected)


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ("dupont", "dupont", 0),
        ("dupont", "dupond", 1),
        ("dupont", "duopnt", 1),
        ("dupont", "durand", 3),
        ("roy", "rodriguez", 3),
        ("", "ab", 2),
    ],
    ids=["equal", "changed", "swapped", "too far", "too long", "empty"],
)
def test_distance_stops_counting_after_the_most(a, b, expected):
    assert distance(a, b, 2) == expected


@pytest.mark.parametrize(
    "names",
    [
        ("Cathy", "Kathy", "Kati"),
        ("Philippe", "Filippe"),
        ("Thibault", "Tibo"),
        ("Denys", "Denis"),
        ("Sophie", "Sofi"),
        ("Hélène", "Elene"),
        ("Moreau", "Moro"),
    ],
    ids=lambda names: names[0],
)
def test_names_that_sound_alike_have_one_key(names):
    assert len({heard(name) for name in names}) == 1
