"""Changes of the users while the daemon serves, and what is asked for on a terminal."""

import os
import signal

import pytest

from support import binaries
from support.accounts import Accounts, kPassword, login, passwd_by_descriptor
from support.daemon import StartError, config_text
from support.terminal import Terminal
from support.waiting import kPatience, wait_until
from support.wire import Peer


def test_a_password_is_asked_for_on_the_terminal_and_not_shown(anna):
    terminal = Terminal(anna.command("--user", "anna", "put", "a.txt"), anna.folder, anna.home)
    terminal.read_until(b"Password of anna")
    assert not terminal.shows_typing()
    terminal.type(kPassword.encode() + b"\n")
    assert terminal.wait() == 0
    assert kPassword.encode() not in terminal.shown and b"stored a.txt" in terminal.shown


def test_ctrl_c_at_a_question_for_a_password_ends_at_once_and_leaves_the_terminal_as_it_was(anna, accounts):
    terminal = Terminal(anna.command("--user", "anna", "ls"), anna.folder, anna.home)
    terminal.read_until(b"Password of anna")
    terminal.type(b"half\x03")
    assert terminal.wait() == 130 and b"half" not in terminal.shown
    before = accounts.file.read_text()
    command = [str(binaries.find("ftpd")), "user", "add", "bert", "--users", str(accounts.file)]
    terminal = Terminal(command, accounts.folder, accounts.folder)
    terminal.read_until(b"New password of bert")
    terminal.type(kPassword.encode() + b"\n")
    terminal.read_until(b"The same again")
    terminal.type(b"\x03")
    assert terminal.wait() == -signal.SIGINT
    assert accounts.file.read_text() == before


def test_a_program_that_asks_for_a_password_ends_when_it_is_told_to(anna):
    terminal = Terminal(anna.command("--user", "anna", "ls"), anna.folder, anna.home)
    terminal.read_until(b"Password of anna")
    os.kill(terminal.pid, signal.SIGTERM)
    assert terminal.wait() == 143


def test_a_new_password_is_typed_twice_the_same(accounts):
    def add(*lines):
        command = [str(binaries.find("ftpd")), "user", "add", "bert", "--users", str(accounts.file)]
        terminal = Terminal(command, accounts.folder, accounts.folder)
        for question, line in zip((b"New password of bert", b"The same again"), lines):
            terminal.read_until(question)
            terminal.type(line + b"\n")
        return terminal.wait(), terminal.shown

    code, shown = add(b"battery staple", b"battery stable")
    assert code == 2 and b"not the same" in shown and "bert" not in accounts.file.read_text()
    assert add(b"battery staple", b"battery staple")[0] == 0
    assert "bert\tenabled\tpassword" in accounts.run("list").stdout


def test_a_user_who_is_disabled_removed_or_gets_a_new_password_is_out_within_moments(anna, accounts, guarded):
    with Peer(guarded.address) as peer:
        assert login(peer, "anna", kPassword)["ok"]
        assert peer.ask("list")["ok"]
        accounts.run("disable", "anna")
        assert peer.ask("list")["error"] == "unauthenticated"
    assert anna.as_anna("ls").code == 11
    accounts.run("enable", "anna")
    anna.as_anna("ls", code=0)
    before = accounts.readings()
    done = passwd_by_descriptor(accounts, "anna", "another horse")
    assert done.returncode == 0, done.stderr
    wait_until(lambda: accounts.readings() > before, what="the new password is known")
    assert anna.as_anna("ls").code == 11
    anna.ok("--user", "anna", "--password-file", accounts.secret("another horse"), "ls")


def test_what_ftpd_user_has_changed_holds_for_the_next_log_in_without_a_wait(anna, accounts, guarded):
    accounts.daemon = None
    accounts.add("bert", "battery staple")
    with Peer(guarded.address) as peer:
        assert login(peer, "bert", "battery staple")["ok"]
        assert passwd_by_descriptor(accounts, "bert", "another staple").returncode == 0
        assert not login(peer, "bert", "battery staple")["ok"]
        assert login(peer, "bert", "another staple")["ok"]


def test_a_users_file_that_breaks_while_serving_is_complained_about_and_the_old_one_kept(anna, accounts, guarded):
    good = accounts.file.read_text()
    accounts.file.write_text(good + "nonsense\n")
    wait_until(lambda: "users-refused" in guarded.log(), what="the complaint")
    anna.as_anna("ls", code=0)
    accounts.file.unlink()
    wait_until(lambda: "there is no such file" in guarded.log(), what="the second complaint")
    assert anna.run("ls").code == 11


def test_the_first_account_closes_a_running_daemon_to_who_has_not_logged_in(make_daemon, make_client):
    daemon = make_daemon(config={"user *": {"allow": "/: all"}})
    accounts = Accounts(daemon.folder / "state" / "ftpd")
    client = make_client(daemon.server)
    client.ok("ls")
    accounts.add("anna", kPassword)
    wait_until(lambda: client.run("ls").code == 11, what="a log-in is asked for")  # asking costs nothing
    client.ok("--user", "anna", "--password-file", accounts.secret(kPassword), "ls")


def test_an_empty_line_instead_of_a_password_ends_with_11(anna):
    terminal = Terminal(anna.command("--user", "anna", "ls"), anna.folder, anna.home)
    terminal.read_until(b"Password of anna")
    terminal.type(b"\n")
    assert terminal.wait() == 11 and b"no password was given" in terminal.shown


def test_a_users_file_that_is_emptied_does_not_open_the_daemon(anna, accounts, guarded):
    accounts.file.write_text("")
    wait_until(lambda: "or it is empty" in guarded.log(), what="the complaint")
    assert anna.run("ls").code == 11
    anna.as_anna("ls", code=0)


def test_without_its_last_user_a_daemon_stays_closed(anna, accounts):
    accounts.run("rm", "anna")
    assert anna.run("ls").code == 11


def test_a_new_password_and_a_key_that_is_removed_end_what_is_open(anna, accounts, guarded):
    with Peer(guarded.address) as peer:
        assert login(peer, "anna", kPassword)["ok"] and peer.ask("list")["ok"]
        before = accounts.readings()
        assert passwd_by_descriptor(accounts, "anna", "another horse").returncode == 0
        wait_until(lambda: accounts.readings() > before, what="the new password is known")
        assert peer.ask("list")["error"] == "unauthenticated"
        assert login(peer, "anna", "another horse")["ok"] and peer.ask("list")["ok"]
        accounts.add("bert", "battery staple")  # somebody else's business
        assert peer.ask("list")["ok"]


def test_a_command_that_runs_ends_when_its_user_is_disabled(make_daemon, make_client, accounts):
    config = {**accounts.config(), "user *": {"allow": "/: all exec"}, "exec.wait": {"run": "/bin/sleep 300"}}
    accounts.daemon = make_daemon(config=config)
    client = make_client(accounts.daemon.server)
    running = client.start("--user", "anna", "--password-file", accounts.secret(kPassword), "exec", "wait")
    wait_until(lambda: "exec-begun" in accounts.daemon.log(), what="the command runs")
    accounts.run("disable", "anna")
    assert running.wait(kPatience) != 0


def test_anonymous_users_come_and_go_with_a_signal(make_daemon, make_client, accounts):
    daemon = make_daemon(config=accounts.config())
    client = make_client(daemon.server)
    assert client.run("ls").code == 11

    def reload():
        before = daemon.log().count(" reload outcome=ok")
        daemon.config_path.write_text(config_text(daemon.sections))
        daemon.send_signal(signal.SIGHUP)
        wait_until(lambda: daemon.log().count(" reload outcome=ok") > before, what="the reload")

    daemon.sections["user anonymous"] = {"allow": "/: read"}
    reload()
    client.ok("ls")
    del daemon.sections["user anonymous"]
    reload()
    assert b"log in first" in client.run("ls", code=11).err


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_users_that_the_daemons_own_user_cannot_read_start_nothing(make_daemon, accounts, open_folder):
    accounts.folder.chmod(0o700)
    daemon = make_daemon(start=False, root=f"{open_folder}/root",
                         config={**accounts.config(), "server": {"user": "nobody"}})
    os.chown(daemon.root, 65534, 65534)
    with pytest.raises(StartError) as error:
        daemon.start()
    assert error.value.code == 2 and str(accounts.file) in error.value.log
