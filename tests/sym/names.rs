// SPDX-License-Identifier: BSD-2-Clause
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::thread;

static ACCOUNT: Mutex<i32> = Mutex::new(0);

struct Shop {
    items: Mutex<HashMap<String, u32>>,
}

impl Shop {
    fn buy(&self, name: &str) -> u32 {
        let mut items = self.items.lock().unwrap();
        let count = items.entry(name.to_string()).or_insert(0);
        *count += 1;
        *count
    }
}

fn main() {
    let shop = Arc::new(Shop { items: Mutex::new(HashMap::new()) });
    let threads: Vec<_> = (0..2)
        .map(|i| {
            let shop = shop.clone();
            thread::spawn(move || {
                shop.buy(&format!("{}", i));
                *ACCOUNT.lock().unwrap() += i;
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
}
