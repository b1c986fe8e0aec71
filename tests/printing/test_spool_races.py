"""Two people at two printers with one spool in their hands: it hangs in one of them, and nobody reads an error."""

import threading

import pytest
from django.conf import settings
from django.db import connection

from printing.models import Printer, Spool
from printing.spools import hang_spool, retire_spool
from tests.factories import NOW, make_machine, make_site
from tests.printing.test_spools import make_spool

pytestmark = [
    pytest.mark.django_db(transaction=True, available_apps=list(settings.INSTALLED_APPS)),
    pytest.mark.serial,
]
ROUNDS = 8


def at_once(*deeds):
    """Each in a thread of its own with a connection of its own; what they raised."""
    gate, raised = threading.Barrier(len(deeds)), []

    def carry_out(deed):
        gate.wait()
        try:
            deed()
        except Exception as error:
            raised.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=carry_out, args=[deed]) for deed in deeds]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=20)
    return raised


def hang(spool, machine):
    return lambda: hang_spool(spool=spool, machine=machine, by=None, now=NOW)


@pytest.fixture
def site(transactional_db):
    return make_site()


@pytest.fixture
def machines(site):
    made = [make_machine(site=site) for _ in range(2)]
    for machine in made:
        Printer.objects.create(machine=machine, base_url="http://192.168.1.20", next_poll_at=NOW)
    return made


def test_one_spool_put_on_two_printers_hangs_in_one(site, machines):
    for _ in range(ROUNDS):
        spool = make_spool(site)

        raised = at_once(hang(spool, machines[0]), hang(spool, machines[1]))

        assert raised == []
        assert Printer.objects.filter(spool=spool).count() == 1


def test_two_spools_are_swapped_by_two_people(site, machines):
    one, other = make_spool(site), make_spool(site)
    for turn in range(ROUNDS):
        first, second = machines if turn % 2 else machines[::-1]

        raised = at_once(hang(one, first), hang(other, second))

        assert raised == []
        hanging = dict(Printer.objects.values_list("machine_id", "spool_id"))
        # Whoever came last may have taken the other one off.
        assert {one.pk, other.pk} & set(hanging.values())


def test_spool_retired_while_it_is_hung_hangs_nowhere(site, machines):
    for _ in range(ROUNDS):
        spool = make_spool(site)

        at_once(hang(spool, machines[0]), lambda spool=spool: retire_spool(spool=spool, by=None, now=NOW))

        assert Spool.objects.get(pk=spool.pk).retired_at == NOW
        assert not Printer.objects.filter(spool=spool).exists()
