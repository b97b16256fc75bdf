"""serve-dicom and unknown peers: the silent, slow or greedy neither delay a known sender nor fill the memory."""

from __future__ import annotations

import random
import shutil
import socket
import ssl
import struct
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from pydicom.uid import UID
from pynetdicom import AE, build_context
from pynetdicom.dsutils import decode
from pynetdicom.sop_class import CTImageStorage, Verification  # type: ignore[attr-defined]

from benchmarks.deploy.service import Service, free_port, send_files, until
from benchmarks.deploy.studies import small_study
from monai_inpaint.pacs.admission import KNOWN_FROM_ONE
from monai_inpaint.pacs.association import Association, Entity
from monai_inpaint.pacs.settings import Tls, sending_tls
from monai_inpaint.pacs.wire import ASSOCIATE_RQ, DATA, RELEASE_RQ, Broken

pytest.importorskip("highdicom", reason="needs the extra dicom")
pytestmark = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read from Linux's /proc")

LONGEST = 5.0  # seconds that a known sender may wait
MEMORY = 100  # MB that unknown peers may take


class Sender:
    """A known sender, whose C-ECHO is timed; `tls` as pynetdicom takes it."""

    def __init__(self, port: int, tls: Any = None) -> None:
        self.port, self.tls = port, tls

    def echo(self) -> float:
        """Seconds until a C-ECHO is answered."""
        entity = AE("SENDER")
        entity.connection_timeout = entity.acse_timeout = entity.dimse_timeout = 30
        entity.add_requested_context(Verification)
        started = time.monotonic()
        association = entity.associate("127.0.0.1", self.port, ae_title="FILLER", tls_args=self.tls)
        assert association.is_established
        assert association.send_c_echo().Status == 0
        seconds = time.monotonic() - started
        association.release()
        return seconds


@pytest.fixture(scope="module")
def service(tmp_path_factory) -> Iterator[Service]:
    service = Service(tmp_path_factory.mktemp("service"), free_port(), study_mb=3, quota_mb=4).start()
    yield service
    service.interrupt()


@pytest.fixture
def peers() -> Iterator[ExitStack]:
    """Closes what was opened."""
    with ExitStack() as stack:
        yield stack


def connected(service: Service, peers: ExitStack, count: int = 1) -> list[socket.socket]:
    return [peers.enter_context(socket.create_connection(("127.0.0.1", service.port), 10)) for _ in range(count)]


def memory(service: Service) -> float:
    """The most MB of memory that the service has held."""
    assert service.process is not None
    status = Path(f"/proc/{service.process.pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def is_closed(connection: socket.socket, seconds: float) -> bool:
    """Whether the other side ends a connection in that time; what it says is not looked at."""
    end = time.monotonic() + seconds
    with suppress(ConnectionError):
        while (left := end - time.monotonic()) > 0:
            connection.settimeout(left)
            try:
                if not connection.recv(4096):
                    return True
            except TimeoutError:
                return False
        return False
    return True


def request(calling: str = "SENDER", called: str = "FILLER") -> bytes:
    """An A-ASSOCIATE-RQ for C-ECHO and C-STORE of CT."""
    from pynetdicom.pdu import A_ASSOCIATE_RQ
    from pynetdicom.pdu_primitives import A_ASSOCIATE, ImplementationClassUIDNotification, MaximumLengthNotification

    longest, implementation = MaximumLengthNotification(), ImplementationClassUIDNotification()
    longest.maximum_length_received = 16382
    implementation.implementation_class_uid = UID("1.2.3")
    primitive = A_ASSOCIATE()
    primitive.application_context_name = UID("1.2.840.10008.3.1.1.1")
    primitive.calling_ae_title, primitive.called_ae_title = calling, called
    contexts = [build_context(Verification), build_context(CTImageStorage)]
    for number, context in enumerate(contexts):
        context.context_id = 2 * number + 1
    primitive.presentation_context_definition_list = contexts
    primitive.user_information = [longest, implementation]
    return A_ASSOCIATE_RQ(primitive).encode() or b""


def associated(service: Service, peers: ExitStack) -> socket.socket:
    """A connection whose association stands: its peer knows the titles, which are no secret."""
    connection = connected(service, peers)[0]
    connection.sendall(request())
    kind, length = struct.unpack(">BxI", connection.recv(6, socket.MSG_WAITALL))
    assert kind == 2
    connection.recv(length, socket.MSG_WAITALL)
    return connection


def store_command(uid: str = "1.2.3.4") -> bytes:
    """The PDU that announces a CT in context 3."""
    from pynetdicom.dimse_messages import C_STORE_RQ
    from pynetdicom.dimse_primitives import C_STORE

    primitive = C_STORE()
    primitive.MessageID, primitive.Priority = 1, 2
    primitive.AffectedSOPClassUID, primitive.AffectedSOPInstanceUID = CTImageStorage, uid
    primitive.DataSet = BytesIO(b"data")
    message = C_STORE_RQ()
    message.primitive_to_message(primitive)
    command = next(message.encode_msg(3, 0)).presentation_data_value_list[0][1]
    return data(3, command)


def data(context: int, fragment: bytes) -> bytes:
    return struct.pack(">BxIIB", DATA, len(fragment) + 5, len(fragment) + 1, context) + fragment


def status(connection: socket.socket) -> int:
    """That of the next answer."""
    connection.settimeout(10)
    _, length = struct.unpack(">BxI", connection.recv(6, socket.MSG_WAITALL))
    return decode(BytesIO(connection.recv(length, socket.MSG_WAITALL)[6:]), True, True).Status


def sent(connection: socket.socket, block: bytes, total: int, seconds: float) -> int:
    """Send the same block again and again; bytes that were taken before the other side ended it."""
    taken, end = 0, time.monotonic() + seconds
    connection.settimeout(1)
    with suppress(OSError):
        while taken < total and time.monotonic() < end:
            connection.sendall(block)
            taken += len(block)
    return taken


def test_the_silent_delay_nobody(service: Service, peers: ExitStack) -> None:
    connected(service, peers, 7)
    assert Sender(service.port).echo() < LONGEST

    connected(service, peers, 200)  # far more than there are places

    assert Sender(service.port).echo() < LONGEST
    assert memory(service) < 300


def test_a_unknown_peer_is_cut_off_in_ten_seconds_however_it_drips(service: Service, peers: ExitStack) -> None:
    silent, dripping = connected(service, peers, 2)
    end = time.monotonic() + 13
    for byte in request():
        with suppress(OSError):
            dripping.sendall(bytes([byte]))
        if is_closed(dripping, 0.3) or time.monotonic() > end:
            break
    assert time.monotonic() < end
    assert is_closed(silent, 3)
    assert Sender(service.port).echo() < LONGEST


@pytest.mark.parametrize("kind", [ASSOCIATE_RQ, DATA, 9])
def test_a_pdu_that_claims_four_gigabytes_is_not_read(kind: int, service: Service, peers: ExitStack) -> None:
    before = memory(service)
    connection = connected(service, peers)[0]
    connection.sendall(struct.pack(">BxI", kind, 2**32 - 1))

    taken = sent(connection, bytes(2**20), 200 * 2**20, 10)

    assert taken < 50 * 2**20
    assert Sender(service.port).echo() < LONGEST
    assert memory(service) - before < MEMORY


def test_a_pdu_longer_than_agreed_ends_the_association(service: Service, peers: ExitStack) -> None:
    before = memory(service)
    connection = associated(service, peers)
    connection.sendall(struct.pack(">BxI", DATA, 2**32 - 1))

    assert sent(connection, bytes(2**20), 200 * 2**20, 10) < 50 * 2**20
    assert memory(service) - before < MEMORY


def test_a_request_full_of_empty_items_takes_little_memory(service: Service, peers: ExitStack) -> None:
    before = memory(service)
    for kind in (0x20, 0x50):  # presentation contexts, user information
        head = request()[6:74]
        items = bytes([kind, 0, 0, 0]) * 60_000
        for connection in connected(service, peers, 4):
            connection.sendall(struct.pack(">BxI", ASSOCIATE_RQ, len(head) + len(items)) + head + items)

    assert Sender(service.port).echo() < LONGEST
    assert memory(service) - before < MEMORY


def test_a_command_that_never_ends_is_cut_off(service: Service, peers: ExitStack) -> None:
    before = memory(service)
    connection = associated(service, peers)

    taken = sent(connection, data(3, b"\x01" + bytes(100_000)), 200 * 2**20, 10)

    assert taken < 50 * 2**20
    assert memory(service) - before < MEMORY


def test_a_data_set_for_a_message_that_takes_none_is_cut_off(service: Service, peers: ExitStack) -> None:
    before = memory(service)
    connection = associated(service, peers)
    store, find = (struct.pack("<HHIH", 0, 0x0100, 2, field) for field in (0x0001, 0x0020))
    connection.sendall(store_command().replace(store, find))

    taken = sent(connection, data(3, b"\x00" + bytes(100_000)), 200 * 2**20, 10)

    assert taken < 50 * 2**20
    assert memory(service) - before < MEMORY


def test_associations_that_idle_give_way_to_one_that_waits(service: Service, peers: ExitStack) -> None:
    idle = [associated(service, peers) for _ in range(KNOWN_FROM_ONE)]

    assert Sender(service.port).echo() < LONGEST
    assert any(is_closed(connection, 0.2) for connection in idle)
    assert "since another one waits" in service.lines()


def test_what_is_coming_in_counts_for_the_quota_and_is_gone_with_its_sender(
    service: Service, peers: ExitStack, tmp_path: Path
) -> None:
    greedy = [associated(service, peers) for _ in range(4)]
    for connection in greedy:
        connection.sendall(store_command())
        sent(connection, data(3, b"\x00" + bytes(100_000)), 2_500_000, 10)

    incoming = service.queue / "incoming"
    until(lambda: "no room for them in the queue" in service.lines(), 10, "nothing is refused")
    assert sum(path.stat().st_size for path in incoming.iterdir()) <= 4_000_000
    for connection in greedy:
        connection.sendall(data(3, b"\x02last"))
    # Which of them finds no room depends on whose bytes are read first; what fitted is no DICOM object.
    answers = {status(connection) for connection in greedy}
    assert 0xA700 in answers
    assert answers <= {0xA700, 0xC000}

    files = small_study(tmp_path / "study", "1.2.77")
    started = time.monotonic()
    assert send_files(files, service.port) == [0, 0, 0]
    assert time.monotonic() - started < LONGEST

    for connection in greedy:
        connection.close()
    until(lambda: not list(incoming.iterdir()), 10, "what came in is kept")


def test_unknown_peers_do_not_fill_the_log(service: Service) -> None:
    before = len(service.lines().splitlines())
    for number in range(60):
        with socket.create_connection(("127.0.0.1", service.port), 10) as connection:
            connection.sendall(request(calling=f"STRANGER{number}"))
            assert is_closed(connection, 5)

    assert len(service.lines().splitlines()) - before < 40


def test_it_ends_at_once_while_unknown_peers_are_connected(tmp_path: Path, peers: ExitStack) -> None:
    service = Service(tmp_path, free_port()).start()
    connected(service, peers, 20)
    dripping = associated(service, peers)
    dripping.sendall(store_command())
    dripping.sendall(data(3, b"\x00" + bytes(1000))[:500])

    started = time.monotonic()
    assert service.interrupt(15) == 130

    assert time.monotonic() - started < LONGEST
    assert "Traceback" not in service.lines()


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed, to make certificates")
def test_with_tls_the_silent_and_those_without_a_certificate_delay_nobody(tmp_path: Path, peers: ExitStack) -> None:
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost", "-addext",
         "subjectAltName=DNS:localhost", "-keyout", str(tmp_path / "k.pem"), "-out", str(tmp_path / "c.pem")],
        check=True, capture_output=True,
    )  # fmt: skip
    ours = Tls(tmp_path / "c.pem", tmp_path / "k.pem", tmp_path / "c.pem")
    files = {"certificate": str(ours.certificate), "key": str(ours.key), "authority": str(ours.authority)}
    service = Service(tmp_path / "service", free_port(), listen={"tls": files}).start()
    known = Sender(service.port, (sending_tls(ours), "localhost"))
    known.echo()
    before = memory(service)

    silent = connected(service, peers, 1)[0]
    assert known.echo() < LONGEST
    connected(service, peers, 60)
    for connection in connected(service, peers, 10):  # half a handshake
        connection.sendall(bytes([22, 3, 1, 2, 0, 1]))
    nobody = ssl.create_default_context(cafile=str(ours.authority))
    for connection in connected(service, peers, 10):
        with suppress(OSError):
            peers.enter_context(nobody.wrap_socket(connection, server_hostname="localhost"))

    assert known.echo() < LONGEST
    assert is_closed(silent, 12)
    assert memory(service) - before < MEMORY
    assert service.interrupt(15) == 130


class Script:
    """A peer that has sent all it will send."""

    def __init__(self, *pdus: tuple[int, bytes]) -> None:
        self.since = time.monotonic()
        self._pdus = iter(pdus)

    def pdu(self, _longest: dict[int, int], _seconds: float) -> tuple[int, bytes]:
        try:
            return next(self._pdus)
        except StopIteration:
            raise Broken("it sends no more") from None

    def send(self, *_: object) -> None:
        pass


class Nowhere:
    """Takes an instance."""

    def write(self, data: bytes) -> None:
        pass

    def answer(self) -> int:
        return 0

    def discard(self) -> None:
        pass


def damaged(message: bytes, rng: random.Random) -> bytes:
    """A message with some bytes changed, left out or put in."""
    data = bytearray(message)
    for _ in range(rng.randint(1, 5)):
        start = rng.randrange(len(data))
        data[start : start + rng.randint(0, 3)] = bytes(rng.choice((0, 1, 127, 255)) for _ in range(rng.randint(0, 3)))
    return bytes(data)


@pytest.mark.filterwarnings("ignore")  # pydicom tells of each UID that is none
def test_whatever_is_damaged_in_what_a_peer_says_ends_its_association_and_no_more() -> None:
    rng = random.Random(0)
    contexts = [build_context(Verification), build_context(CTImageStorage)]
    ends = {"released": 0, "broken": 0}
    for number in range(120):
        asked, command = request()[6:], store_command()[6:]
        if number % 2:
            asked = asked[:68] + damaged(asked[68:], rng)
        else:
            command = damaged(command, rng)
        peer: Any = Script(
            (ASSOCIATE_RQ, asked), (DATA, command), (DATA, data(3, b"\x02all")[6:]), (RELEASE_RQ, bytes(4))
        )
        association = Association(peer, Entity("FILLER", ["SENDER"], contexts))
        try:
            assert association.open(lambda: True) == ""
            assert association.serve(lambda *_: Nowhere(), lambda _information: 0)
            ends["released"] += 1
        except Broken:
            ends["broken"] += 1
    assert all(ends.values())
