//! Has this request begun to change something? A failure before that has changed nothing and may be sent again; after
//! it, nobody knows without looking. What only writes to the store has begun when its transaction is through.

use std::{cell::Cell, future::Future};

tokio::task_local!(static BEGUN: Cell<bool>);

/// From here on something may have happened, whatever the answer says.
pub fn begin() {
    // Not inside a request: nobody asks.
    let _ = BEGUN.try_with(|begun| begun.set(true));
}

/// Runs it, and answers whether it began to act.
pub async fn watch<T>(work: impl Future<Output = T>) -> (T, bool) {
    BEGUN
        .scope(Cell::new(false), async {
            let answer = work.await;
            (answer, BEGUN.with(Cell::get))
        })
        .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn it_tells_whether_it_began() {
        assert!(!watch(async {}).await.1);
        assert!(watch(async { begin() }).await.1);
        begin();
    }
}
