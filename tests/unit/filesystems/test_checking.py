"""What paths, references and addresses may be."""

import pytest

from towpath.errors import StorageError
from towpath.filesystems.checking import check_path, check_reference, join_paths, parse_address


@pytest.mark.parametrize(
    ("given", "path"),
    [("", ""), (".", ""), ("a/b", "a/b"), ("a//b/./c/", "a/b/c"), ("a/../b", "b"), ("-x", "-x"), ("ä b", "ä b")],
)
def test_a_path_is_put_in_order(given: str, path: str) -> None:
    assert check_path(given) == path


@pytest.mark.parametrize("given", ["..", "../a", "a/../../b", "/etc", "~/x", "a\\b", "a\nb", "a\0b", "x" * 1025])
def test_a_path_that_leads_elsewhere_is_refused(given: str) -> None:
    with pytest.raises(StorageError, match=r"^path: "):
        check_path(given)


def test_paths_are_joined_each_checked() -> None:
    assert join_paths("", "a/", "b") == "a/b"
    with pytest.raises(StorageError):
        join_paths("a", "../../b")


@pytest.mark.parametrize("given", ["main", "v1.2", "feature/new", "release-1", "a" * 40, "ünï", "1"])
def test_references_that_git_takes_are_taken(given: str) -> None:
    assert check_reference(given) == given


@pytest.mark.parametrize(
    "given",
    ["", "-x", "--upload-pack=touch x", "a..b", "a b", "a~1", "a^", "a:b", "a*", "a\\b", "@", "a@{1}", "a//b", "/a", "a/",
     "a.", ".a", "a/.b", "a.lock", "a.lock/b", "+a", "a\nb", "x" * 256],
)  # fmt: skip
def test_references_that_are_options_or_expressions_are_refused(given: str) -> None:
    with pytest.raises(StorageError, match=r"^reference: "):
        check_reference(given)


@pytest.mark.parametrize(
    ("given", "origin"),
    [
        ("https://example.org/a/b", "https://example.org"),
        ("https://example.org:8443/a/b.git", "https://example.org:8443"),
        ("http://git.flows.svc/a", "http://git.flows.svc"),
        ("ssh://git@example.org/a/b.git", "ssh://example.org"),
        ("ssh://git@[::1]:2222/a", "ssh://[::1]:2222"),
        ("git@example.org:a/b.git", "ssh://example.org"),
    ],
)
def test_addresses_of_git_hosts_are_read(given: str, origin: str) -> None:
    assert parse_address(given).origin == origin
    assert parse_address(given).url == given


@pytest.mark.parametrize(
    "given",
    ["", "a/b", "/srv/repository", "file:///srv/repository", "ext::sh -c touch% /tmp/x", "git://example.org/a",
     "-oProxyCommand=x", "ssh://-oProxyCommand=x/a", "-x@example.org:a", "git@-example.org:a", "git@example.org:-a",
     "https://example.org", "https://example.org/", "https:///a", "https://example.org/a?x=1", "https://example.org/a#x",
     "https://exa mple.org/a", "https://example.org/a\n", "https://example.org:port/a", "https://example.org/%2e%2e",
     "ssh://a b@example.org/x", "https://example.org\\@evil.org/a"],
)  # fmt: skip
def test_addresses_that_are_none_or_options_are_refused(given: str) -> None:
    with pytest.raises(StorageError, match=r"^repository: "):
        parse_address(given)


@pytest.mark.parametrize(
    "given", ["https://user:hunter2@example.org/a", "https://hunter2@example.org/a", "ssh://u:hunter2@h/a"]
)
def test_an_address_with_a_secret_in_it_is_refused_without_repeating_it(given: str) -> None:
    with pytest.raises(StorageError) as caught:
        parse_address(given)
    assert "hunter2" not in str(caught.value)
