// oneDNN: matmul with W as the destination of a sum.
//
// The primitive is made outside of the timed loop, and s is multiplied into B there: both are gifts
// to the peer. A scale of its own would cost it the way that sums up in W itself.
#include <omp.h>

#include <dnnl.hpp>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <vector>

#include "peers.hpp"

namespace bench {

template <revlora::element T>
dnnl::memory::desc description(std::ptrdiff_t rows, std::ptrdiff_t cols, std::ptrdiff_t stride) {
  return {dnnl::memory::dims{rows, cols},
          sizeof(T) == 4 ? dnnl::memory::data_type::f32 : dnnl::memory::data_type::bf16,
          dnnl::memory::dims{stride, 1}};
}

template <revlora::element T>
dnnl::matmul::primitive_desc describe(const dnnl::engine& engine, std::ptrdiff_t rows,
                                      std::ptrdiff_t rank, std::ptrdiff_t cols,
                                      std::ptrdiff_t stride) {
  dnnl::post_ops added_to_what_is_there;
  added_to_what_is_there.append_sum(1.0f);
  dnnl::primitive_attr attributes;
  attributes.set_post_ops(added_to_what_is_there);
  const auto b = description<T>(rows, rank, rank), a = description<T>(rank, cols, cols);
  const auto w = description<T>(rows, cols, stride);
#if DNNL_VERSION_MAJOR >= 3
  return {engine, b, a, w, attributes};
#else
  return {dnnl::matmul::desc(b, a, w), attributes, engine};
#endif
}

template <revlora::element T>
T scaled(T value, float factor) {
  return T(factor * static_cast<float>(value));
}

/// What the calls of one adder share.
template <revlora::element T>
struct product {
  dnnl::engine engine{dnnl::engine::kind::cpu, 0};
  dnnl::stream stream{engine};
  std::vector<T> scaled_b;
  dnnl::matmul matmul;
  dnnl::memory b, a, w;

  product(const revlora::low_rank& adapter, std::ptrdiff_t stride) {
    const std::ptrdiff_t rows = adapter.b().rows(), rank = adapter.rank(),
                         cols = adapter.a().cols();
    const T* const from = static_cast<const T*>(adapter.b().data());
    for (std::ptrdiff_t i = 0; i < rows * rank; ++i)
      scaled_b.push_back(scaled(from[i], adapter.strength()));
    const auto chosen = describe<T>(engine, rows, rank, cols, stride);
    matmul = dnnl::matmul(chosen);
    b = dnnl::memory(chosen.src_desc(), engine, scaled_b.data());
    a = dnnl::memory(chosen.weights_desc(), engine, const_cast<void*>(adapter.a().data()));
    w = dnnl::memory(chosen.dst_desc(), engine, nullptr);
  }
};

template <revlora::element T>
adder<T> onednn(const revlora::low_rank& adapter, std::ptrdiff_t stride, int threads) {
#if DNNL_CPU_THREADING_RUNTIME != DNNL_RUNTIME_OMP
  throw std::runtime_error(
      "this oneDNN is not built with OpenMP: its threads would wait for those of the roof");
#endif
  omp_set_num_threads(threads);
  const auto made = std::make_shared<product<T>>(adapter, stride);
  return [=](T* w) {
    made->w.set_data_handle(w);
    made->matmul.execute(
        made->stream,
        {{DNNL_ARG_SRC, made->b}, {DNNL_ARG_WEIGHTS, made->a}, {DNNL_ARG_DST, made->w}});
    made->stream.wait();
  };
}
template adder<float> onednn(const revlora::low_rank&, std::ptrdiff_t, int);
template adder<revlora::bf16> onednn(const revlora::low_rank&, std::ptrdiff_t, int);

std::string onednn_version() {
  const dnnl_version_t& version = *dnnl::version();
  const dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  std::ostringstream text;
  text << version.major << '.' << version.minor << '.' << version.patch;
  for (const int rank : {16, 128})
    text << "; r = " << rank << ": fp32 "
         << describe<float>(engine, 4096, rank, 4096, 4096).impl_info_str() << ", bf16 "
         << describe<revlora::bf16>(engine, 4096, rank, 4096, 4096).impl_info_str();
  return text.str();
}

}  // namespace bench
