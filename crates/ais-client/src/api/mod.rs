//! The services: what a call means, what a callback tells.
//!
//! | module | what it is for |
//! | --- | --- |
//! | `clm`, `amf`, `ckpt` | the services of A.01.01 |
//! | `admin` | what an operator's tool asks |
//! | `track`, `asking` | subscriptions and asynchronous requests that are open |
//! | `dispatch` | the three ways to dispatch |

pub mod admin;
pub mod amf;
mod asking;
pub mod ckpt;
pub mod clm;
pub mod dispatch;
mod track;
