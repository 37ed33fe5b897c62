//! What standard output is: how wide, coloured or not. And progress on standard
//! error, if somebody watches it.

use std::io::{IsTerminal as _, Write as _};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// What output is written for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Screen {
    /// A person sees it, character by character as it is.
    pub(super) is_terminal: bool,
    /// Lines longer than this would be broken.
    pub(super) width: Option<u16>,
    /// Colours are welcome.
    pub(super) colours: bool,
}

impl Screen {
    /// A file or another program.
    pub(super) const PIPE: Self = Self { is_terminal: false, width: None, colours: false };

    /// Standard output as it is now.
    pub(super) fn stdout() -> Self {
        let stdout = std::io::stdout();
        let width = terminal_size::terminal_size_of(&stdout).map(|(width, _)| width.0);
        if !stdout.is_terminal() {
            return Self::PIPE;
        }
        let colours = !anstyle_query::no_color() && anstyle_query::term_supports_color();
        Self { is_terminal: true, width, colours }
    }
}

/// Writes to standard output. A reader that has seen enough (`| head`) is no
/// failure.
pub(super) fn print(text: &[u8]) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text).and_then(|()| out.flush()) {
        Err(e) if e.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        result => result,
    }
}

/// Progress of a command, on standard error; gone when dropped, and never there if
/// standard error is no terminal.
#[derive(Debug)]
pub(super) struct Progress(ProgressBar);

/// How often the spinner turns.
const TICK: Duration = Duration::from_millis(120);

impl Progress {
    /// A task whose length is not known.
    pub(super) fn spinner(what: String) -> Self {
        Self::start(ProgressBar::no_length(), "{spinner} {msg} {elapsed}", what)
    }

    /// So many steps.
    pub(super) fn steps(what: String, steps: usize) -> Self {
        Self::start(ProgressBar::new(steps as u64), "{msg} [{wide_bar}] {pos}/{len}, {eta} left", what)
    }

    fn start(bar: ProgressBar, template: &str, what: String) -> Self {
        let target = match std::io::stderr().is_terminal() {
            true => ProgressDrawTarget::stderr(),
            false => ProgressDrawTarget::hidden(),
        };
        bar.set_draw_target(target);
        // A template that is not understood leaves the default bar.
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.set_message(what);
        bar.enable_steady_tick(TICK);
        Self(bar)
    }

    /// One step is done.
    pub(super) fn step(&self) {
        self.0.inc(1);
    }

    /// What is being done now.
    pub(super) fn says(&self, what: String) {
        self.0.set_message(what);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
