"""The environments that tests create agree with the tests that run in them."""

from frameworks.environments import ENVIRONMENTS, TESTS, current, files_of, packages_of


def test_every_framework_is_tried_in_exactly_one_environment() -> None:
    assert sorted(TESTS.glob("test_*.py")) == sorted(
        path for name in ENVIRONMENTS for path in files_of(name)
    )


def test_every_framework_has_a_group_of_packages_that_its_environment_installs() -> None:
    for name, frameworks in ENVIRONMENTS.items():
        for framework in frameworks:
            assert set(packages_of(framework)) <= set(packages_of(name))


def test_none_of_them_is_the_environment_of_these_tests() -> None:
    assert current() is None
