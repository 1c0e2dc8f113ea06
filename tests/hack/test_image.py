"""What the image says of itself: an SPDX document that covers every file, and the terms of all that is in it or linked into it.

    python3 -m pytest tests/hack/test_image.py      builds the image first, if the tree has changed; as root
"""
import collections
import hashlib
import json
import os
import pathlib
import re
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
SBOM = "usr/share/doc/weir/sbom.spdx.json"
RELATIONS = {"DESCRIBES", "CONTAINS", "STATIC_LINK", "DYNAMIC_LINK", "BUILD_DEPENDENCY_OF"} # of those that SPDX 2.3 knows
LARGEST = 35_000_000


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    if os.geteuid() != 0:
        pytest.skip("building the image needs root")
    files = tmp_path_factory.mktemp("image")
    subprocess.run([ROOT / "hack/image", "--files", files], check=True)
    return files


@pytest.fixture(scope="module")
def document(image):
    return json.loads((image / SBOM).read_text())


def present(image):
    return {f"./{path.relative_to(image)}": path for path in image.rglob("*") if path.is_file()}


def related(document, kind):
    """{id: the ids that it has this relation to}"""
    found = collections.defaultdict(set)
    for relation in document["relationships"]:
        if relation["relationshipType"] == kind:
            found[relation["spdxElementId"]].add(relation["relatedSpdxElement"])
    return found


def test_the_document_is_spdx(document):
    assert (document["spdxVersion"], document["dataLicense"], document["SPDXID"]) == ("SPDX-2.3", "CC0-1.0", "SPDXRef-DOCUMENT")
    assert re.fullmatch(r"https://[^#\s]+", document["documentNamespace"]) and document["name"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", document["creationInfo"]["created"])
    assert all(re.match("(Tool|Person|Organization): .", creator) for creator in document["creationInfo"]["creators"])
    assert "Built on docker.io/library/debian:trixie-slim" in document["comment"]


def test_ids_are_unique_and_relations_lead_to_them(document):
    ids = ["SPDXRef-DOCUMENT"] + [element["SPDXID"] for element in document["packages"] + document["files"]]
    assert len(set(ids)) == len(ids)
    assert not [name for name in ids if not re.fullmatch(r"SPDXRef-[A-Za-z0-9.-]+", name)]
    for relation in document["relationships"]:
        assert {relation["spdxElementId"], relation["relatedSpdxElement"]} <= set(ids), relation
        assert relation["relationshipType"] in RELATIONS
    assert related(document, "DESCRIBES") == {"SPDXRef-DOCUMENT": set(document["documentDescribes"])} != {}
    to = set().union(*({relation["spdxElementId"], relation["relatedSpdxElement"]} for relation in document["relationships"]))
    assert set(ids) == to, "nothing is there for no reason"


def test_packages_say_what_they_must(document):
    contains = related(document, "CONTAINS")
    sums = {file["SPDXID"]: file["checksums"][0]["checksumValue"] for file in document["files"]}
    for package in document["packages"]:
        assert package["name"] and package["versionInfo"] and package["downloadLocation"] == "NOASSERTION", package
        assert package["licenseConcluded"] == "NOASSERTION"
        [reference] = package["externalRefs"]
        assert reference["referenceCategory"] == "PACKAGE-MANAGER" and reference["referenceType"] == "purl"
        assert re.fullmatch(r"pkg:(deb/debian|generic)/[a-z0-9.+-]+@[A-Za-z0-9.%~-]+(\?[a-z]+=[A-Za-z0-9.%~&=-]+)?",
                            reference["referenceLocator"])
        own = sorted(sums[other] for other in contains[package["SPDXID"]] if other in sums)
        assert package["filesAnalyzed"] and own
        assert package["packageVerificationCode"] == {
            "packageVerificationCodeValue": hashlib.sha1("".join(own).encode()).hexdigest()}


def test_every_file_is_listed_as_it_is_and_belongs_to_one_package(image, document):
    files = {file["fileName"]: file for file in document["files"]}
    there = present(image)
    assert set(files) == set(there) - {f"./{SBOM}"}
    packages = {package["SPDXID"] for package in document["packages"]}
    owners = collections.Counter(other for one, others in related(document, "CONTAINS").items() if one in packages
                                 for other in others)
    for name, file in files.items():
        content = there[name].read_bytes()
        assert {sum["algorithm"]: sum["checksumValue"] for sum in file["checksums"]} == {
            "SHA1": hashlib.sha1(content).hexdigest(), "SHA256": hashlib.sha256(content).hexdigest()}
        assert owners[file["SPDXID"]] == 1, name
        assert file["fileTypes"] == (["BINARY"] if content[:4] == b"\x7fELF" else ["TEXT"])


def test_libraries_are_debians_and_programs_are_ours(document):
    names = {package["SPDXID"]: package for package in document["packages"]}
    files = {file["SPDXID"]: file for file in document["files"]}
    programs = set()
    for one, others in related(document, "CONTAINS").items():
        for file in (files[other] for other in others if files.get(other, {}).get("fileTypes") == ["BINARY"]):
            if names[one]["name"] == "weir":
                programs.add(file["fileName"])
            else:
                assert names[one]["externalRefs"][0]["referenceLocator"].startswith("pkg:deb/debian/")
                assert "distro=debian-13" in names[one]["externalRefs"][0]["referenceLocator"]
    assert programs == {"./weir-operator", "./weir-launcher"}


def linked_into(document, program):
    packages = {package["SPDXID"]: package for package in document["packages"]}
    linked = related(document, "STATIC_LINK")[f"SPDXRef-File-{program}"]
    return {packages[other]["name"]: packages[other]["versionInfo"] for other in linked}


def test_the_launcher_names_what_is_linked_into_it(image, document):
    """What the OpenSSL in it says of its version is what the document says."""
    linked = linked_into(document, "weir-launcher")
    said = re.search(rb"OpenSSL (3\.\d+\.\d+) ", (image / "weir-launcher").read_bytes()).group(1).decode()
    assert linked["libssl-dev"].startswith(said)
    assert {"libc6-dev", "libc-ares-dev", "libexpat1-dev", "curl", "yyjson"} <= set(linked)
    assert any(re.fullmatch(r"libgcc-\d+-dev", name) for name in linked)
    assert not {"libcurl4-openssl-dev", "libyaml-dev"} & set(linked)
    assert not related(document, "DYNAMIC_LINK").get("SPDXRef-File-weir-launcher")


def test_the_operator_names_what_is_linked_into_it(document):
    linked = linked_into(document, "weir-operator")
    assert {"yyjson", "libc6-dev"} <= set(linked) and "libssl-dev" not in linked
    names = {package["name"] for package in document["packages"]}
    assert "uthash-dev" in names, "is nothing but headers"
    loaded = related(document, "DYNAMIC_LINK")["SPDXRef-File-weir-operator"]
    assert any(name.endswith("-libcurl.so.4") for name in loaded)


def test_terms_of_everything_are_there(image, document):
    for package in document["packages"]:
        terms = image / "usr/share/doc" / package["name"] / "copyright"
        assert terms.is_file() and len(terms.read_text(errors="replace")) > 500, package["name"]
        for name in re.findall(r"/usr/share/common-licenses/[A-Z][A-Za-z0-9.-]*[A-Za-z0-9]", terms.read_text(errors="replace")):
            assert (image / name.lstrip("/")).is_file(), f"{package['name']} refers to {name}"
    assert (image / "usr/share/doc/weir/copyright").read_text() == (ROOT / "LICENSE").read_text()


def test_it_is_put_beside(image):
    assert (ROOT / "build/weir.spdx.json").read_text() == (image / SBOM).read_text()


def test_the_image_stays_small(image):
    assert sum(path.stat().st_size for path in image.rglob("*") if path.is_file() and not path.is_symlink()) < LARGEST
