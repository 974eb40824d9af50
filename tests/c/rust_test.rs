//! librevlora from Rust, with nothing but a block of extern "C".
use std::ffi::c_void;
use std::os::raw::c_char;
use std::ptr::null;

#[repr(C)]
struct Matrix {
    size: usize,
    data: *mut c_void,
    kind: i32,
    rows: isize,
    cols: isize,
    row_stride: isize,
    col_stride: isize,
    scales: *const Matrix,
}

#[repr(C)]
struct Error {
    size: usize,
    status: i32,
    text: [u8; 500],
}

type Body = extern "C" fn(*const c_void, isize);

#[repr(C)]
struct Options {
    size: usize,
    threads: i32,
    parallel_for: extern "C" fn(*mut c_void, isize, Body, *const c_void),
    context: *mut c_void,
    workspace: *mut c_void,
}

#[link(name = "revlora")]
extern "C" {
    fn revlora_status_name(status: i32) -> *const c_char;
    fn revlora_adapters_create() -> *mut c_void;
    fn revlora_adapters_destroy(adapters: *mut c_void);
    fn revlora_adapters_add_low_rank(
        adapters: *mut c_void, b: *const Matrix, a: *const Matrix, strength: f64,
        error: *mut Error) -> i32;
    fn revlora_record_create() -> *mut c_void;
    fn revlora_record_destroy(record: *mut c_void);
    fn revlora_merge(
        weights: *const Matrix, destination: *const Matrix, adapters: *const c_void,
        record: *mut c_void, options: *const Options, report: *mut c_void,
        error: *mut Error) -> i32;
    fn revlora_unmerge(
        weights: *const Matrix, destination: *const Matrix, adapters: *const c_void,
        record: *const c_void, options: *const Options, error: *mut Error) -> i32;
}

fn row_major(values: &mut [f32], rows: isize, cols: isize) -> Matrix {
    assert_eq!(values.len() as isize, rows * cols);
    let data = values.as_mut_ptr().cast();
    let size = std::mem::size_of::<Matrix>();
    Matrix { size, data, kind: 0, rows, cols, row_stride: cols, col_stride: 1, scales: null() }
}

extern "C" fn counted_loop(context: *mut c_void, count: isize, body: Body, work: *const c_void) {
    unsafe { *context.cast::<u32>() += 1 };
    (0..count).for_each(|i| body(work, i));
}

fn text_of(error: &Error) -> &str {
    let end = error.text.iter().position(|&byte| byte == 0).unwrap();
    std::str::from_utf8(&error.text[..end]).unwrap()
}

fn main() {
    let base = [1.0f32, 2.0, 3.0, 4.0, 5.0, 6.0];
    let mut weights = base;
    let (mut b, mut a) = ([1.0f32, 2.0], [1.0f32, 2.0, 4.0]);
    let w = row_major(&mut weights, 2, 3);
    let (b, a) = (row_major(&mut b, 2, 1), row_major(&mut a, 1, 3));
    let mut error = Error { size: std::mem::size_of::<Error>(), status: 0, text: [0; 500] };
    let mut calls = 0u32;
    let options = Options {
        size: std::mem::size_of::<Options>(),
        threads: 0,
        parallel_for: counted_loop,
        context: (&mut calls as *mut u32).cast(),
        workspace: std::ptr::null_mut(),
    };
    unsafe {
        let adapters = revlora_adapters_create();
        let record = revlora_record_create();
        let status = revlora_adapters_add_low_rank(adapters, &b, &a, 0.5, &mut error);
        assert_eq!(status, 0, "{}", text_of(&error));
        let status = revlora_merge(&w, null(), adapters, record, &options, std::ptr::null_mut(),
                                   &mut error);
        assert_eq!(status, 0, "{}", text_of(&error));
        assert_eq!(std::slice::from_raw_parts(w.data.cast::<f32>(), 6),
                   [1.5, 3.0, 5.0, 5.0, 7.0, 10.0]);
        let status = revlora_unmerge(&w, null(), adapters, record, &options, &mut error);
        assert_eq!(status, 0, "{}", text_of(&error));
        let status = revlora_unmerge(&w, null(), adapters, record, &options, &mut error);
        let name = std::ffi::CStr::from_ptr(revlora_status_name(status)).to_str().unwrap();
        assert_eq!((name, error.status), ("already_unmerged", status));
        assert!(text_of(&error).starts_with("revlora: "));
        revlora_record_destroy(record);
        revlora_adapters_destroy(adapters);
    }
    assert_eq!(weights, base);
    assert!(calls > 0);
    println!("merged and unmerged from Rust");
}
