//! Asks a person. The answer is a row; the scheduler ends the step with it.

use super::{End, Halt};

#[allow(clippy::unnecessary_wraps)] // the shape that all steps share
pub fn run(question: &str) -> Result<End, Halt> {
    Ok(End::Ask { message: question.to_owned() })
}
