//! Where log lines go: a queue with an end, and a thread that empties it.
//!
//! Whoever reads the log may be slow, or stop. Only this thread waits for it. Lines
//! that do not fit into the queue are dropped and counted, and once the log is read
//! again one line says how many there were.

use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// Bytes of lines that may wait. As many again may be on their way out.
pub(super) const QUEUE: usize = 2 * 1024 * 1024;

/// A buffer that grew beyond this is not kept.
const KEPT: usize = 64 * 1024;

/// How long to wait when a descriptor that must not block can take nothing now.
const RETRY: Duration = Duration::from_millis(50);

/// The way to the log. Clones lead to the same.
#[derive(Debug, Clone)]
pub(super) struct Sink(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    queue: Mutex<Queue>,
    /// There are lines to write.
    filled: Condvar,
    /// All lines are written.
    emptied: Condvar,
    size: usize,
    dropped: fn(u64),
}

#[derive(Debug, Default)]
struct Queue {
    /// Whole lines.
    waiting: Vec<u8>,
    /// Whether the thread is writing.
    writing: bool,
    /// Lines that were dropped, and of which the log says nothing yet.
    dropped: u64,
}

impl Sink {
    /// Starts the thread that writes to `out`. `dropped` gets the number of lines
    /// that were dropped, as it happens, and `report` makes the line about all of
    /// them.
    ///
    /// # Errors
    ///
    /// Fails if there can be no more threads.
    pub(super) fn start(
        out: impl Write + Send + 'static,
        size: usize,
        dropped: fn(u64),
        report: impl Fn(u64) -> String + Send + 'static,
    ) -> io::Result<Self> {
        let (filled, emptied) = (Condvar::new(), Condvar::new());
        let shared = Arc::new(Shared { queue: Mutex::default(), filled, emptied, size, dropped });
        let writer = shared.clone();
        thread::Builder::new().name("log".to_owned()).spawn(move || writer.write(out, report))?;
        Ok(Self(shared))
    }

    /// Adds lines, each with its end. Never waits for the log's reader.
    pub(super) fn push(&self, lines: &str) {
        let mut queue = self.0.lock();
        if queue.waiting.len() + lines.len() > self.0.size {
            self.0.drop_lines(&mut queue, lines.as_bytes());
            return;
        }
        queue.waiting.extend_from_slice(lines.as_bytes());
        self.0.filled.notify_one();
    }

    /// Waits until everything is written, but not for longer than `most`.
    pub(super) fn flush(&self, most: Duration) {
        let queue = self.0.lock();
        let busy = |queue: &mut Queue| queue.writing || !queue.waiting.is_empty();
        // Poisoned or too late: there is nothing more to be done about it.
        let _ = self.0.emptied.wait_timeout_while(queue, most, busy);
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn drop_lines(&self, queue: &mut Queue, lines: &[u8]) {
        let count = lines.iter().filter(|&&byte| byte == b'\n').count() as u64;
        queue.dropped += count;
        (self.dropped)(count);
    }

    /// The thread: writes until the process ends.
    fn write(&self, mut out: impl Write, report: impl Fn(u64) -> String) {
        let mut batch = Vec::new();
        loop {
            let dropped = self.next(&mut batch);
            let unwritten = write_all(&mut out, &batch);
            let reported = dropped == 0 || unwritten == 0 && write_all(&mut out, report(dropped).as_bytes()) == 0;
            let mut queue = self.lock();
            if unwritten > 0 {
                self.drop_lines(&mut queue, &batch[batch.len() - unwritten..]);
            }
            if !reported {
                queue.dropped += dropped;
            }
        }
    }

    /// Waits for lines and takes them. Returns how many were dropped behind them.
    fn next(&self, batch: &mut Vec<u8>) -> u64 {
        batch.clear();
        batch.shrink_to(KEPT);
        let mut queue = self.lock();
        queue.writing = false;
        if queue.waiting.is_empty() {
            self.emptied.notify_all();
        }
        while queue.waiting.is_empty() {
            queue = self.filled.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
        queue.writing = true;
        std::mem::swap(&mut queue.waiting, batch);
        std::mem::take(&mut queue.dropped)
    }
}

/// Writes as much as can be written. Returns how many bytes could not.
fn write_all(out: &mut impl Write, mut bytes: &[u8]) -> usize {
    while !bytes.is_empty() {
        match out.write(bytes) {
            Ok(0) => break,
            Ok(written) => bytes = &bytes[written..],
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => thread::sleep(RETRY),
            Err(_) => break,
        }
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

    use super::*;

    const LONG: Duration = Duration::from_secs(60);

    /// A reader that reads when the test does.
    fn pipe() -> (Pipe, Receiver<String>) {
        let (sender, receiver) = sync_channel(0);
        (Pipe(sender), receiver)
    }

    struct Pipe(SyncSender<String>);

    impl Write for Pipe {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let text = String::from_utf8(bytes.to_vec()).unwrap();
            self.0.send(text).map_err(|_| io::Error::from(io::ErrorKind::BrokenPipe))?;
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn report(dropped: u64) -> String {
        format!("{dropped} dropped\n")
    }

    #[test]
    fn lines_are_written_in_their_order_and_waited_for() {
        let (pipe, reader) = pipe();
        let sink = Sink::start(pipe, 100, |_| {}, report).unwrap();
        let read = thread::spawn(move || {
            let mut all = String::new();
            while !all.ends_with("nine\n") {
                all.push_str(&reader.recv_timeout(LONG).unwrap());
            }
            all
        });
        for line in ["one\n", "two\n", "nine\n"] {
            sink.push(line);
        }
        sink.flush(LONG);
        assert_eq!(read.join().unwrap(), "one\ntwo\nnine\n");
    }

    #[test]
    fn lines_that_do_not_fit_are_dropped_counted_and_reported_when_the_log_is_read_again() {
        static DROPPED: AtomicU64 = AtomicU64::new(0);
        let (pipe, reader) = pipe();
        let count = |dropped| {
            DROPPED.fetch_add(dropped, Ordering::Relaxed);
        };
        let sink = Sink::start(pipe, 10, count, report).unwrap();
        sink.push("first\n");
        // The thread holds it, and waits for its reader.
        while !sink.0.lock().waiting.is_empty() {
            thread::yield_now();
        }
        for line in ["second\n", "third\n", "a\nb\nc\n", "no\n"] {
            sink.push(line);
        }
        sink.flush(Duration::from_millis(1));
        assert_eq!(DROPPED.load(Ordering::Relaxed), 4);
        let read: Vec<String> = (0..3).map(|_| reader.recv_timeout(LONG).unwrap()).collect();
        assert_eq!(read, ["first\n", "second\nno\n", "4 dropped\n"]);
        sink.push("last\n");
        assert_eq!(reader.recv_timeout(LONG).unwrap(), "last\n");
    }

    #[test]
    fn lines_for_a_log_that_is_closed_are_counted_and_nothing_waits() {
        static DROPPED: AtomicU64 = AtomicU64::new(0);
        let (pipe, reader) = pipe();
        drop(reader);
        let count = |dropped| {
            DROPPED.fetch_add(dropped, Ordering::Relaxed);
        };
        let sink = Sink::start(pipe, 100, count, report).unwrap();
        sink.push("one\ntwo\n");
        sink.flush(LONG);
        assert_eq!(DROPPED.load(Ordering::Relaxed), 2);
    }
}
