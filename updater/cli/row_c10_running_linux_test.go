package cli_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"inplace/updater/cli"
)

// TestC10Running meets the product while it runs: the update says who and why, and where
// it is allowed nonetheless, the running program keeps the file that it started from.
func TestC10Running(t *testing.T) {
	sleep, err := exec.LookPath("sleep")
	ok(t, err)
	program, err := os.ReadFile(sleep)
	ok(t, err)
	old, fresh := rowOld(), rowNew()
	old["bin/daemon.sh"], fresh["bin/daemon.sh"] = string(program), "#!/bin/sh\necho another\n"
	p := newPlant(t, old, fresh)
	p.must(t, "adopt", p.home, "--source", p.repo)
	before := product(t, p.home)

	daemon := exec.Command(filepath.Join(p.home, "bin/daemon.sh"), "60")
	ok(t, daemon.Start())
	stop := func() { _ = daemon.Process.Kill(); _ = daemon.Wait() }
	t.Cleanup(stop)
	exe := fmt.Sprintf("/proc/%d/exe", daemon.Process.Pid)
	for range 100 { // until the child is the daemon
		if target, _ := os.Readlink(exe); filepath.Base(target) == "daemon.sh" {
			break
		}
		time.Sleep(5 * time.Millisecond)
	}
	who := fmt.Sprintf("the product is running: process %d (daemon.sh) executes bin/daemon.sh", daemon.Process.Pid)
	finish(t, p.update()).wants(t, "while it executes", cli.ExitBusy, who, "--allow-running", "The installation was not changed.")
	alike(t, "while it executes", before, product(t, p.home))
	finish(t, p.update("--dry-run")).wants(t, "dry run beside the product", 0)

	finish(t, p.update("--allow-running")).wants(t, "allowed", 0)
	if got, err := os.ReadFile(exe); err != nil || string(got) != string(program) {
		t.Errorf("the program that runs was changed under it: %d bytes, want %d, %v", len(got), len(program), err)
	}
	finish(t, p.update("--revert")).wants(t, "revert beside the old program", cli.ExitBusy, fmt.Sprint("process ", daemon.Process.Pid))
	stop()

	log, err := os.Create(filepath.Join(p.home, "logs/out.log"))
	ok(t, err)
	defer func() { _ = log.Close() }()
	finish(t, p.update("--revert")).wants(t, "with a log open, which is ignored", 0)
	alike(t, "reverted", before, without(product(t, p.home), "logs/out.log"))

	jar, err := os.Open(filepath.Join(p.home, "lib/kept.jar"))
	ok(t, err)
	reader := exec.Command(sleep, "60") // this test itself is an ancestor of the update, which does not count
	reader.Stdin = jar
	ok(t, reader.Start())
	ok(t, jar.Close())
	finish(t, p.update()).wants(t, "with a jar open", cli.ExitBusy, fmt.Sprintf("process %d (sleep) has open lib/kept.jar", reader.Process.Pid))
	ok(t, reader.Process.Kill())
	_ = reader.Wait()
	finish(t, p.update()).wants(t, "with nothing running", 0)
}

func without(tree map[string]string, path string) map[string]string {
	delete(tree, path)
	return tree
}
