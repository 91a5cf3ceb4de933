"""lancedb without the classes of its REST client and the checks of ``overrides``, and with them for programs
that use them.
"""

import subprocess
import sys

READ = "import sys, par_core.store.lance; here = 'lance_namespace_urllib3_client' in sys.modules;"


def printed(code: str) -> str:
    command = [sys.executable, "-P", "-c", code]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def test_an_index_is_opened_without_the_classes_of_the_rest_client() -> None:
    assert printed(f"{READ} print(here)") == "False"


def test_a_program_beside_par_can_use_the_namespaces_of_lancedb() -> None:
    code = (
        f"{READ} import lancedb, tempfile, pyarrow as pa;"
        " from lance_namespace import ListTablesResponse as R;"
        " folder = tempfile.mkdtemp(); lancedb.connect(folder).create_table('a', pa.table({'x': [1]}));"
        " found = lancedb.connect_namespace('dir', {'root': folder}).list_tables();"
        " print(found.tables, isinstance(found, R), issubclass(type(found), R), isinstance(1, R),"
        " R.from_dict({'tables': ['b']}).tables, type(found).__module__)"
    )
    module = "lance_namespace_urllib3_client.models.list_tables_response"
    assert printed(code) == f"['a'] True True False ['b'] {module}"


def test_a_program_that_has_imported_the_client_keeps_it() -> None:
    code = (
        "import lance_namespace_urllib3_client.models as before, par_core.store.lance, lance_namespace as ns;"
        " print(ns.ListTablesResponse is before.ListTablesResponse)"
    )
    assert printed(code) == "True"


def test_an_index_is_opened_without_the_package_overrides_which_others_can_use() -> None:
    code = (
        "import sys, par_core.store.lance; print('overrides' in sys.modules);"
        " from overrides import override\ntry:\n class A:\n  @override\n  def x(self): ...\n"
        "except TypeError: print('checked')"
    )
    assert printed(code).split() == ["False", "checked"]


def test_a_program_that_has_imported_overrides_keeps_it() -> None:
    code = "import overrides as before, par_core.store.lance, overrides; print(overrides is before)"
    assert printed(code) == "True"
