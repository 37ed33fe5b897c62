//! Parse, dispatch, exit code.
//!
//! | code | meaning |
//! |---|---|
//! | 0 | fine |
//! | 1 | failed while running |
//! | 2 | bad flags or configuration |

use std::process::ExitCode;

fn main() -> ExitCode {
    d360_exporter::cli::main()
}
