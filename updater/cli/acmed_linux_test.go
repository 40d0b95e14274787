package cli

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// This test binary under the name acmed is the product of the service tests: a server that
// is stopped, started and asked as real ones are, in the installation it is started in.
//
//	acmed start ADDRESS     starts acmed serve, in the way that lib/mode says, and returns
//	acmed stop              ends it, in the way that logs/stop says
//	acmed status            0 while it runs, else 3
//	acmed serve ADDRESS     answers /health with the level that lib/level says
//
// lib/mode, of the release:
//
//	well    serves
//	fails   start prints why and exits with 7
//	hangs   start says what it waits for and does not end
//	deaf    runs and never listens
//	dies    ends once it was asked for its health, and again each time it is started
//	ghost   ends at once, and start says nothing of it
//	sick    answers 503
//
// Like a good start script start asks `inplace guard` first. Each call is a line of logs/calls.
func init() {
	if filepath.Base(os.Args[0]) != "acmed" {
		return
	}
	call, err := os.OpenFile("logs/calls", os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err == nil {
		_, err = fmt.Fprintln(call, os.Args[1])
		err = errors.Join(err, call.Close())
	}
	if err == nil {
		err = acmed(os.Args[1:])
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "acmed:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

const acmedPID = "logs/pid"

func acmed(args []string) error {
	switch args[0] {
	case "start":
		return acmedStart(args[1])
	case "stop":
		return acmedStop()
	case "status":
		if acmedAlive() == 0 {
			os.Exit(3)
		}
		return nil
	}
	return acmedServe(args[1])
}

func word(file string) string {
	data, _ := os.ReadFile(file)
	return strings.TrimSpace(string(data))
}

// acmedAlive is the process of the server, or 0.
func acmedAlive() int {
	pid, err := strconv.Atoi(word(acmedPID))
	if err != nil || syscall.Kill(pid, 0) != nil {
		return 0
	}
	stat := word(fmt.Sprintf("/proc/%d/stat", pid))
	if _, after, _ := strings.Cut(stat, ") "); stat == "" || strings.HasPrefix(after, "Z") {
		return 0
	}
	return pid
}

func acmedStart(address string) error {
	if out, err := exec.Command("bin/inplace", "guard").CombinedOutput(); err != nil {
		return fmt.Errorf("the guard forbids it: %w: %s", err, out)
	}
	if acmedAlive() != 0 {
		return errors.New("runs already")
	}
	mode := word("lib/mode")
	if mode == "fails" {
		fmt.Println("license expired, password=hunter2")
		os.Exit(7)
	}
	if mode == "hangs" {
		fmt.Println("waiting for a lock")
		time.Sleep(time.Hour)
	}
	ready, tell, err := os.Pipe()
	if err != nil {
		return err
	}
	cmd := &exec.Cmd{Path: os.Args[0], Args: []string{os.Args[0], "serve", address}, Stdout: os.Stdout, Stderr: os.Stderr,
		ExtraFiles: []*os.File{tell}, SysProcAttr: &syscall.SysProcAttr{Setsid: true}}
	if err := cmd.Start(); err != nil {
		return err
	}
	_ = tell.Close()
	_, _ = ready.Read(make([]byte, 1)) // until it serves, or has ended
	if mode == "ghost" {
		return cmd.Wait()
	}
	return nil
}

func acmedServe(address string) error {
	tell, mode := os.NewFile(3, "tell"), word("lib/mode")
	log, err := os.OpenFile("logs/server.log", os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	jar, err := os.Open("lib/core.jar") // as a server that runs has its classes open
	if err != nil {
		return err
	}
	defer func() { _ = jar.Close() }()
	if err := os.WriteFile(acmedPID, []byte(strconv.Itoa(os.Getpid())), 0o600); err != nil {
		return err
	}
	_, _ = fmt.Fprintf(log, "level %s starts\n", word("lib/level"))
	http.HandleFunc("/health", func(w http.ResponseWriter, _ *http.Request) {
		if mode == "sick" {
			_, _ = fmt.Fprintln(log, "no database")
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		_, _ = fmt.Fprintf(w, "level %s is UP", word("lib/level"))
		_ = os.WriteFile("logs/asked", nil, 0o600)
		if mode == "dies" {
			_, _ = fmt.Fprintln(log, "out of memory")
			if f, ok := w.(http.Flusher); ok {
				f.Flush()
			}
			os.Exit(9)
		}
	})
	switch mode {
	case "ghost":
		return nil
	case "deaf":
		_, _ = fmt.Fprintln(log, "waiting for a lock")
		_ = tell.Close()
		time.Sleep(time.Hour)
	}
	server := &http.Server{Addr: address}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	_ = tell.Close()
	return server.Serve(listener)
}

func acmedStop() error {
	how := word("logs/stop")
	if how == "hangs" {
		fmt.Println("waiting for sessions to end")
		time.Sleep(time.Hour)
	}
	_ = os.Remove("logs/asked")
	if pid := acmedAlive(); pid != 0 {
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			return err
		}
		for acmedAlive() != 0 {
			time.Sleep(5 * time.Millisecond)
		}
	}
	switch how {
	case "hangs late":
		time.Sleep(time.Hour)
	case "kills the updater":
		_ = os.Remove("logs/stop")
		return syscall.Kill(os.Getppid(), syscall.SIGKILL)
	case "edits":
		return os.WriteFile("conf/server.properties", []byte("edited=meanwhile\n"), 0o644)
	}
	return nil
}
