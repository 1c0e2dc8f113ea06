"""hack/sbom on a small image of its own: what it finds without being told, and what it refuses. Needs gcc, cmake and ninja."""
import json
import pathlib
import shutil
import subprocess
import tempfile

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
SBOM = "usr/share/doc/weir/sbom.spdx.json"
PROJECT = """cmake_minimum_required(VERSION 3.25)
project(tiny VERSION 7.8.9 LANGUAGES C)
add_executable(tiny tiny.c)
target_link_libraries(tiny PRIVATE -static "-Wl,-Map=${CMAKE_BINARY_DIR}/maps" ${EXTRA})
"""


@pytest.fixture
def build():
    """Builds PROJECT below the repository, where the source is ours; returns (IMAGE, BUILD)"""
    (ROOT / "build").mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="sbom-", dir=ROOT / "build") as folder:
        tree = pathlib.Path(folder)

        def run(main="int main(void) { return 0; }", *options):
            (tree / "CMakeLists.txt").write_text(PROJECT)
            (tree / "tiny.c").write_text("#include <stdio.h>\n" + main)
            (tree / "out/maps").mkdir(parents=True)
            for command in (["cmake", "-G", "Ninja", "-S", tree, "-B", tree / "out", *options], ["cmake", "--build", tree / "out"]):
                subprocess.run(command, check=True, capture_output=True)
            (tree / "image").mkdir()
            shutil.copy(tree / "out/tiny", tree / "image")
            return tree / "image", tree / "out"
        yield run


def sbom(image, build):
    return subprocess.run([ROOT / "hack/sbom", image, build], capture_output=True, text=True, timeout=120)


def test_finds_what_is_linked_in(build):
    image, out = build()
    done = sbom(image, out)
    assert done.returncode == 0, done.stderr
    document = json.loads((image / SBOM).read_text())
    packages = {package["name"]: package for package in document["packages"]}
    assert packages["weir"]["versionInfo"] == "7.8.9" and "libc6-dev" in packages
    assert {"spdxElementId": "SPDXRef-File-tiny", "relationshipType": "STATIC_LINK",
            "relatedSpdxElement": "SPDXRef-Package-libc6-dev"} in document["relationships"]
    assert (image / "usr/share/doc/libc6-dev/copyright").is_file()
    assert (image / "usr/share/common-licenses/LGPL-2.1").is_file(), "libc6-dev's terms refer to it"


def test_a_copied_library_is_its_packages(build):
    image, out = build()
    library = next(pathlib.Path("/usr/lib").glob("*-linux-gnu/libz.so.1"))
    target = image / str(library).lstrip("/")
    target.parent.mkdir(parents=True)
    shutil.copy(library, target)
    assert "needs libc.so.6, which is not in the image" in sbom(image, out).stderr


def test_an_archive_that_nobody_owns_is_refused(build, tmp_path):
    (tmp_path / "odd.c").write_text("int odd(void) { return 0; }")
    subprocess.run("gcc -c odd.c && ar rc libodd.a odd.o", shell=True, cwd=tmp_path, check=True)
    image, out = build("int odd(void); int main(void) { return odd(); }", f"-DEXTRA={tmp_path}/libodd.a")
    done = sbom(image, out)
    assert done.returncode == 1 and f"no package owns {tmp_path}/libodd.a" in done.stderr


def test_an_archive_that_nothing_is_taken_from_is_none_of_ours(build, tmp_path):
    (tmp_path / "odd.c").write_text("int odd(void) { return 0; }")
    subprocess.run("gcc -c odd.c && ar rc libodd.a odd.o", shell=True, cwd=tmp_path, check=True)
    image, out = build("int main(void) { return 0; }", f"-DEXTRA={tmp_path}/libodd.a")
    assert sbom(image, out).returncode == 0


def test_a_program_that_was_not_built_here_is_refused(build):
    image, out = build()
    shutil.copy(out / "tiny", image / "stranger")
    done = sbom(image, out)
    assert done.returncode == 1 and "stranger was neither built in" in done.stderr
    assert not (image / SBOM).exists()
