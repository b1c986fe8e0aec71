import pytest

from iot.credentials import ITERATIONS, hash_password, new_device_password, verify_password

# Made by mosquitto_passwd 2.0.11 for the password "correct horse".
FROM_MOSQUITTO = (
    "$7$101$skpbl1A7KSsO+/dI$2zgI4vpPGziCCAFiKZ75m9YHmKy8rej0MYOBjVwgY2VRGQtZqDhN5MFcGahRapyS1Suscs9gKA5VTjxJfgFsPw=="
)


@pytest.mark.parametrize(
    ("password", "hashed", "is_right"),
    [
        pytest.param("correct horse", FROM_MOSQUITTO, True, id="mosquitto's own"),
        pytest.param("correct horsf", FROM_MOSQUITTO, False, id="another password"),
        pytest.param("", FROM_MOSQUITTO, False, id="empty password"),
        pytest.param("correct horse", FROM_MOSQUITTO.replace("$7$", "$6$"), False, id="another format"),
        pytest.param("correct horse", FROM_MOSQUITTO.replace("$101$", "$0$"), False, id="no rounds"),
        pytest.param("correct horse", FROM_MOSQUITTO.replace("$101$", "$99999999999$"), False, id="absurd rounds"),
        pytest.param("correct horse", FROM_MOSQUITTO[:-9], False, id="cut short"),
        pytest.param("correct horse", "$7$101$é$é", False, id="not base64"),
        pytest.param("correct horse", "$7$101$$", False, id="empty hash"),
        pytest.param("correct horse", "", False, id="nothing"),
    ],
)
def test_verify_password_accepts_only_the_password_of_the_hash(password: str, hashed: str, is_right: bool):
    assert verify_password(password, hashed) is is_right


@pytest.mark.parametrize("password", ["secret", "é€𝄞", "with $ and :", "x" * 500])
def test_hash_password_round_trips(password: str):
    hashed = hash_password(password)

    assert verify_password(password, hashed)
    assert not verify_password(password + ".", hashed)
    assert hashed.startswith(f"$7${ITERATIONS}$")
    assert [len(part) for part in hashed.split("$")[3:]] == [16, 88]


def test_hash_password_never_repeats_itself():
    assert hash_password("secret") != hash_password("secret")


def test_new_device_password_is_long_and_new():
    passwords = {new_device_password() for _ in range(100)}

    assert len(passwords) == 100
    assert min(map(len, passwords)) >= 32
