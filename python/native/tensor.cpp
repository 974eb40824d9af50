#include "tensor.hpp"

#include <optional>
#include <string_view>

#include "revlora/error.hpp"

namespace revlora::python {

namespace {

[[noreturn]] void refuse(const std::string& name, const std::string& what) {
  throw invalid_input("revlora: " + name + " " + what);
}

std::string text_of(nb::handle object) {
  return nb::cast<std::string>(nb::str(object));
}

std::string type_name_of(nb::handle object) {
  return text_of(nb::getattr(object.type(), "__name__"));
}

std::optional<element_type> element_type_of_code(nb::dlpack::dtype type) {
  using code = nb::dlpack::dtype_code;
  if (type.lanes != 1) return {};
  switch (static_cast<code>(type.code)) {
    case code::Float:
      if (type.bits == 32) return element_type::fp32;
      if (type.bits == 16) return element_type::fp16;
      return {};
    case code::Bfloat:
      if (type.bits == 16) return element_type::bf16;
      return {};
    case code::Float8_E4M3FN:
      return element_type::e4m3;
    case code::Float8_E5M2:
      return element_type::e5m2;
    default:
      return {};
  }
}

/// "bfloat16", of torch.bfloat16, and of what ml_dtypes adds to NumPy.
std::string dtype_of(nb::handle object) {
  if (!nb::hasattr(object, "dtype")) return {};
  std::string written = text_of(object.attr("dtype"));
  constexpr std::string_view torch = "torch.";
  if (written.starts_with(torch)) written.erase(0, torch.size());
  return written;
}

/// Of types that some libraries cannot export, though they can be seen as whole numbers: PyTorch's
/// of 8 bits before 2.9, and all of ml_dtypes.
struct seen_as_bits {
  std::string_view dtype;
  element_type type;
  const char* bits;
};
constexpr seen_as_bits unexportable[] = {{"bfloat16", element_type::bf16, "uint16"},
                                         {"float8_e4m3fn", element_type::e4m3, "uint8"},
                                         {"float8_e5m2", element_type::e5m2, "uint8"}};

/// Not valid as long as nobody has imported it.
nb::object torch_module() {
  return nb::steal(PyImport_GetModule(nb::str("torch").ptr()));
}

bool is_of_torch(nb::handle object) {
  const nb::object torch = torch_module();
  return torch.is_valid() && nb::hasattr(torch, "Tensor") &&
         nb::isinstance(object, torch.attr("Tensor"));
}

/// What shares the memory and can be exported where the tensor itself cannot, because gradients are
/// asked of it.
nb::object without_gradient(nb::handle object) {
  if (nb::cast<bool>(nb::bool_(nb::getattr(object, "requires_grad", nb::bool_(false)))))
    return object.attr("detach")();
  return nb::borrow(object);
}

nb::object bits_of(nb::handle object, const char* bits) {
  if (is_of_torch(object)) return object.attr("view")(torch_module().attr(bits));
  return object.attr("view")(bits);
}

struct export_ {
  nb::ndarray<nb::ro> memory;
  std::optional<element_type> type;
};

/// Nothing if it cannot be exported, or not for writing.
template <class... Access>
std::optional<export_> exported(nb::handle object) {
  nb::ndarray<Access...> memory;
  if (nb::try_cast(object, memory, false))
    return export_{nb::ndarray<nb::ro>(memory), element_type_of_code(memory.dtype())};
  const std::string dtype = dtype_of(object);
  for (const seen_as_bits& each : unexportable)
    if (dtype == each.dtype && nb::hasattr(object, "view") &&
        nb::try_cast(bits_of(object, each.bits), memory, false))
      return export_{nb::ndarray<nb::ro>(memory), each.type};
  return {};
}

std::string device_of(nb::handle object) {
  return nb::hasattr(object, "device") ? text_of(object.attr("device")) : std::string();
}

[[noreturn]] void refuse_as_elsewhere(const std::string& name, const std::string& device) {
  refuse(name, "is not in memory that the processor reads, but on " + device +
                   ": revlora works on the processor, and copies nothing");
}

[[noreturn]] void refuse_as_unexportable(nb::handle object, const std::string& name) {
  const std::string device = device_of(object);
  if (!device.empty() && device != "cpu") refuse_as_elsewhere(name, device);
  const std::string dtype = dtype_of(object);
  refuse(name, "is of type " + type_name_of(object) +
                   (dtype.empty() ? std::string() : " with elements of " + dtype) +
                   ", whose memory neither DLPack nor the buffer protocol gives: give a tensor or "
                   "an array that does");
}

any_matrix matrix_of(const export_& from, nb::handle object, const std::string& name) {
  const nb::ndarray<nb::ro>& memory = from.memory;
  const int device = memory.device_type();
  if (device != nb::device::cpu::value && device != nb::device::cuda_host::value)
    refuse_as_elsewhere(
        name, device_of(object).empty() ? "device " + std::to_string(device) : device_of(object));
  if (!from.type) {
    const std::string dtype = dtype_of(object);
    refuse(name, (dtype.empty() ? std::string("has elements") : "has elements of " + dtype) +
                     " that are none of fp32, fp16, bf16, e4m3 (float8_e4m3fn) and e5m2");
  }
  if (memory.ndim() != 2)
    refuse(name, "has " + std::to_string(memory.ndim()) +
                     (memory.ndim() == 1 ? " dimension" : " dimensions") +
                     ", and a matrix has two: give a view of it that has");
  const auto extent = [&](std::size_t i) { return static_cast<std::ptrdiff_t>(memory.shape(i)); };
  const auto stride = [&](std::size_t i) { return static_cast<std::ptrdiff_t>(memory.stride(i)); };
  return any_matrix(const_cast<void*>(memory.data()), *from.type, extent(0), extent(1), stride(0),
                    stride(1));
}

/// Arrays of these libraries may not be written, though DLPack of theirs does not say so.
bool is_immutable(nb::handle object) {
  const std::string module = text_of(nb::getattr(object.type(), "__module__"));
  const std::string library = module.substr(0, module.find('.'));
  return library == "jax" || library == "jaxlib" || library == "tensorflow";
}

[[noreturn]] void refuse_as_read_only(const std::string& name) {
  refuse(name, "is read-only: give memory that may be written, or another place by out=");
}

}  // namespace

tensor tensor::to_read(nb::handle object, const std::string& name) {
  const nb::object plain = without_gradient(object);
  std::optional<export_> found = exported<nb::ro>(plain);
  if (!found) refuse_as_unexportable(object, name);
  const any_matrix matrix = matrix_of(*found, object, name);
  return tensor(nb::borrow(object), std::move(found->memory), matrix);
}

tensor tensor::to_write(nb::handle object, const std::string& name) {
  if (is_immutable(object)) refuse_as_read_only(name);
  const nb::object plain = without_gradient(object);
  std::optional<export_> found = exported<>(plain);
  if (!found) {
    if (exported<nb::ro>(plain)) refuse_as_read_only(name);
    refuse_as_unexportable(object, name);
  }
  const any_matrix matrix = matrix_of(*found, object, name);
  return tensor(nb::borrow(object), std::move(found->memory), matrix);
}

void tensor::say_written() const {
  try {
    if (!is_of_torch(source_)) return;
    // Looked up once, and never freed: after a merge larger than the caches each look-up is slow.
    static const auto* const increment_version = new nb::object(nb::getattr(
        torch_module().attr("autograd").attr("graph"), "increment_version", nb::none()));
    if (increment_version->is_none()) return;                    // before 2.1
    if (nb::cast<bool>(source_.attr("is_inference")())) return;  // these have no version
    (*increment_version)(source_);
  } catch (nb::python_error& error) {
    error.discard_as_unraisable(source_);
  }
}

}  // namespace revlora::python
