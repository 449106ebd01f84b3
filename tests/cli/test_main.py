import subprocess
import sys

from cli.main import COMMANDS


def test_help_lists_the_commands_and_their_own_help(run):
    listed = run("--help")
    assert listed.code == 0
    for command in COMMANDS:
        assert f"\n  {command} " in listed.out
        told = run(command, "--help")
        assert told.code == 0 and "Usage: kaodex" in told.out


def test_help_imports_nothing_heavy():
    heavy = ("cv2", "numpy", "faiss", "onnxruntime", "torch", "timm", "PIL", "sqlite3")
    code = (
        "import sys\n"
        "from cli.main import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        f"print('imported:', [name for name in {heavy!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("imported: []\n"), done.stdout


def test_wrong_use_exits_with_2(run):
    unknown = run("recognise")
    assert unknown.code == 2 and "recognise" in unknown.err
    assert run("query").code == 2
    assert run("--version").out.startswith("kaodex, version ")


def test_the_rules_are_those_of_the_vote():
    from cli.options import RULES
    from index import voting

    assert RULES == voting.RULES and RULES[0] == voting.DEFAULT_RULE
