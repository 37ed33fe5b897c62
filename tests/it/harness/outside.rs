//! What is outside the program and can be slow, broken or wrong: its disk, its name
//! server and the wall clock.

use std::path::PathBuf;

use tempfile::TempDir;

use super::tool;

/// Calls that hang, or fail, for as long as a file is there.
const LIBRARY: &str = r#"
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <netdb.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static void hang(const char *variable) {
    const char *file = getenv(variable);
    while (file && access(file, F_OK) == 0) usleep(10000);
}

int fsync(int fd) {
    hang("HANGING_DISK");
    return ((int (*)(int))dlsym(RTLD_NEXT, "fsync"))(fd);
}

ssize_t write(int fd, const void *bytes, size_t count) {
    struct stat of;
    const char *file = getenv("FULL_DISK");
    if (file && access(file, F_OK) == 0 && fstat(fd, &of) == 0 && S_ISREG(of.st_mode)) {
        errno = ENOSPC;
        return -1;
    }
    return ((ssize_t (*)(int, const void *, size_t))dlsym(RTLD_NEXT, "write"))(fd, bytes, count);
}

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **found) {
    hang("HANGING_NAME_SERVER");
    int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **) = dlsym(RTLD_NEXT, "getaddrinfo");
    return real(node, service, hints, found);
}
"#;

/// A disk that hangs or is full, and a name server that hangs, when a test says so.
#[derive(Debug)]
pub struct Hanging {
    directory: TempDir,
}

impl Hanging {
    /// Builds the library. Everything works at first.
    pub fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let source = directory.path().join("hanging.c");
        std::fs::write(&source, LIBRARY).unwrap();
        let library = directory.path().join("hanging.so");
        let mut compiler = std::process::Command::new("cc");
        let built = compiler.args(["-shared", "-fPIC", "-o"]).args([&library, &source]).arg("-ldl").status();
        let built = built.expect("a C compiler, as for the build");
        assert!(built.success());
        Self { directory }
    }

    fn switch(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// The environment of a program that hangs with it.
    pub fn env(&self) -> Vec<(String, String)> {
        let path = |name: &str| self.switch(name).display().to_string();
        let pair = |name: &str, value: String| (name.to_owned(), value);
        vec![
            pair("LD_PRELOAD", path("hanging.so")),
            pair("HANGING_DISK", path("disk")),
            pair("FULL_DISK", path("full disk")),
            pair("HANGING_NAME_SERVER", path("name server")),
        ]
    }

    /// From now on it is so, or not any more.
    pub fn set(&self, name: &str, hangs: bool) {
        let switch = self.switch(name);
        if hangs {
            std::fs::write(switch, "").unwrap();
        } else if switch.exists() {
            std::fs::remove_file(switch).unwrap();
        }
    }
}

/// A wall clock that a test moves: libfaketime, which leaves the monotonic clock
/// alone.
#[derive(Debug)]
pub struct WallClock {
    directory: TempDir,
}

impl WallClock {
    pub fn new() -> Self {
        let clock = Self { directory: tempfile::tempdir().unwrap() };
        clock.step("+0");
        clock
    }

    fn file(&self) -> PathBuf {
        self.directory.path().join("offset")
    }

    /// From now on the clock is off by so many seconds.
    pub fn step(&self, offset: &str) {
        let new = self.directory.path().join("new");
        std::fs::write(&new, format!("{offset}\n")).unwrap();
        std::fs::rename(new, self.file()).unwrap();
    }

    /// The environment of a program that goes by it.
    pub fn env(&self) -> Vec<(String, String)> {
        // The package has the library beside the program.
        let _ = tool("faketime", "faketime");
        let library = format!("/usr/lib/{}-linux-gnu/faketime/libfaketimeMT.so.1", std::env::consts::ARCH);
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        vec![
            pair("LD_PRELOAD", &library),
            pair("FAKETIME_TIMESTAMP_FILE", &self.file().display().to_string()),
            pair("FAKETIME_NO_CACHE", "1"),
            pair("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
            pair("DONT_FAKE_MONOTONIC", "1"),
        ]
    }
}
