"""The operators that a program may call: those that compute on dense tensors, and those that reckon with sizes.

A list, not a pattern: `torch.export.load` looks a target up from the module `torch` on, attribute by attribute, and whatever
it finds is called. Left out on purpose: everything that reads or writes files (from_file, save), that changes a tensor's
storage under other tensors (set_, resize_, as_strided), sparse, quantized and nested tensors, backward passes, and operators
of other libraries. A new operator of torch is refused until it stands here.
"""

from __future__ import annotations

import re

_ATEN = frozenset(
    word
    for line in """
    # arithmetic
    abs absolute add addbmm addcdiv addcmul addmm addmv addr baddbmm bmm ceil clamp clamp_max clamp_min clip copysign
    deg2rad div divide dot einsum exp exp2 expm1 fix float_power floor floor_divide fmax fmin fmod frac frexp gcd hypot
    inner kron lcm ldexp lerp log log10 log1p log2 logaddexp logaddexp2 logit matmul maximum minimum mm mul multiply mv
    nan_to_num neg negative outer positive pow rad2deg reciprocal remainder round rsqrt rsub sgn sign signbit sqrt square
    sub subtract true_divide trunc vdot xlogy
    # trigonometry and special functions
    acos acosh arccos arccosh arcsin arcsinh arctan arctan2 arctanh asin asinh atan atan2 atanh cos cosh digamma erf erfc
    erfinv i0 igamma igammac lgamma mvlgamma polygamma sin sinc sinh special_digamma special_entr special_erf special_erfc
    special_erfcx special_erfinv special_exp2 special_expit special_expm1 special_gammaln special_i0 special_i0e special_i1
    special_i1e special_log1p special_log_ndtr special_log_softmax special_logit special_logsumexp special_ndtr
    special_ndtri special_round special_sinc special_softmax special_xlog1py special_xlogy tan tanh
    # comparison and logic
    all allclose any bitwise_and bitwise_left_shift bitwise_not bitwise_or bitwise_right_shift bitwise_xor eq equal ge
    greater greater_equal gt heaviside isclose isfinite isin isinf isnan isneginf isposinf isreal le less less_equal
    logical_and logical_not logical_or logical_xor lt masked_fill masked_scatter masked_select ne not_equal where
    # reductions and order
    amax amin aminmax argmax argmin argsort bincount bucketize count_nonzero cummax cummin cumprod cumsum diff dist
    frobenius_norm histc kthvalue logcumsumexp logsumexp max mean median min mode msort nanmean nanmedian nanquantile nansum
    norm nuclear_norm prod quantile searchsorted sort std std_mean sum topk trapezoid trapz unique_consecutive unique_dim
    var var_mean
    # shapes and indices
    adjoint alias alias_copy argwhere as_tensor atleast_1d atleast_2d atleast_3d block_diag broadcast_tensors broadcast_to
    cartesian_prod cat channel_shuffle chunk clone col2im column_stack combinations concat concatenate constant_pad_nd
    contiguous copy detach detach_copy diag diag_embed diagflat diagonal diagonal_copy diagonal_scatter dsplit dstack expand
    expand_as expand_copy fill fill_diagonal_ flatten flip fliplr flipud gather hsplit hstack im2col index index_add
    index_copy index_fill index_put index_reduce index_select lift lift_fresh lift_fresh_copy meshgrid moveaxis movedim
    narrow narrow_copy native_channel_shuffle nonzero nonzero_static one_hot pad pad_sequence permute permute_copy
    pixel_shuffle pixel_unshuffle put ravel reflection_pad1d reflection_pad2d reflection_pad3d repeat repeat_interleave
    replication_pad1d replication_pad2d replication_pad3d reshape reshape_as resolve_conj resolve_neg roll rot90 row_stack
    scatter scatter_add scatter_reduce select select_copy select_scatter slice slice_copy slice_scatter split split_copy
    split_with_sizes split_with_sizes_copy squeeze squeeze_copy stack swapaxes swapdims t t_copy take take_along_dim
    tensor_split tile to trace transpose transpose_copy tril tril_indices triu triu_indices type_as unbind unbind_copy
    unflatten unfold unfold_copy unsafe_chunk unsafe_split unsafe_split_with_sizes unsqueeze unsqueeze_copy view view_as
    view_as_complex view_as_complex_copy view_as_real view_as_real_copy view_copy vsplit vstack
    # sizes, which become numbers of the program
    _assert_async _assert_scalar _assert_tensor_metadata _functional_assert_async _functional_assert_scalar item
    _local_scalar_dense sym_constrain_range sym_constrain_range_for_size sym_is_contiguous sym_numel sym_size
    sym_storage_offset sym_stride
    # new tensors
    arange bartlett_window blackman_window empty empty_like empty_permuted eye full full_like hamming_window hann_window
    kaiser_window linspace logspace new_empty new_full new_ones new_zeros ones ones_like range scalar_tensor vander zero
    zeros zeros_like
    # chance
    bernoulli cauchy_ exponential_ geometric_ log_normal_ multinomial normal normal_functional poisson rand rand_like
    randint randint_like randn randn_like randperm uniform_
    # linear algebra and Fourier transforms
    angle cdist chain_matmul cholesky cholesky_inverse cholesky_solve complex _conj conj _conj_copy _conj_physical
    conj_physical corrcoef cosine_similarity cov cross det _fft_c2c _fft_c2r fft_fft fft_fft2 fft_fftfreq fft_fftn
    fft_fftshift fft_hfft fft_hfft2 fft_hfftn fft_ifft fft_ifft2 fft_ifftn fft_ifftshift fft_ihfft fft_ihfft2 fft_ihfftn
    fft_irfft fft_irfft2 fft_irfftn _fft_r2c fft_rfft fft_rfft2 fft_rfftfreq fft_rfftn imag inverse istft linalg_cholesky
    linalg_cholesky_ex linalg_cross linalg_det linalg_diagonal linalg_eigh linalg_eigvalsh linalg_inv linalg_inv_ex
    linalg_lstsq linalg_lu linalg_lu_factor linalg_lu_solve linalg_matmul linalg_matrix_exp linalg_matrix_norm
    linalg_matrix_power linalg_multi_dot linalg_norm linalg_pinv linalg_qr linalg_slogdet linalg_solve linalg_solve_ex
    linalg_solve_triangular linalg_svd linalg_svdvals linalg_vander linalg_vecdot linalg_vector_norm logdet matrix_exp
    matrix_power _neg_view _neg_view_copy pairwise_distance pdist pinverse polar qr real slogdet stft svd tensordot
    triangular_solve
    # layers
    adaptive_avg_pool1d _adaptive_avg_pool2d adaptive_avg_pool2d _adaptive_avg_pool3d adaptive_avg_pool3d
    adaptive_max_pool1d adaptive_max_pool2d adaptive_max_pool3d affine_grid_generator alpha_dropout avg_pool1d avg_pool2d
    avg_pool3d batch_norm _batch_norm_no_update bilinear _cdist_forward celu conv1d conv2d conv3d conv_depthwise3d conv_tbc
    conv_transpose1d conv_transpose2d conv_transpose3d _convolution convolution dropout elu embedding _embedding_bag
    embedding_bag _embedding_bag_forward_only _euclidean_dist feature_alpha_dropout feature_dropout fractional_max_pool2d
    fractional_max_pool3d _fused_rms_norm gelu glu grid_sampler grid_sampler_2d grid_sampler_3d group_norm gru gru_cell
    hardshrink hardsigmoid hardswish hardtanh instance_norm layer_norm leaky_relu linear log_sigmoid log_sigmoid_forward
    _log_softmax log_softmax lstm lstm_cell max_pool1d max_pool1d_with_indices max_pool2d max_pool2d_with_indices max_pool3d
    max_pool3d_with_indices max_unpool2d max_unpool3d mish native_batch_norm _native_batch_norm_legit
    _native_batch_norm_legit_functional _native_batch_norm_legit_no_training native_dropout native_group_norm
    native_layer_norm _native_multi_head_attention norm_except_dim _pad_circular _pad_enum _pdist_forward prelu
    _prelu_kernel relu relu6 renorm rms_norm rnn_relu rnn_relu_cell rnn_tanh rnn_tanh_cell rrelu _safe_softmax
    scaled_dot_product_attention _scaled_dot_product_flash_attention_for_cpu selu sigmoid silu _softmax softmax softplus
    softshrink _stack threshold _to_copy _transformer_encoder_layer_fwd _trilinear _unsafe_index _unsafe_index_put
    _unsafe_masked_index _unsafe_view upsample_bicubic2d _upsample_bicubic2d_aa upsample_bilinear2d _upsample_bilinear2d_aa
    upsample_linear1d upsample_nearest1d upsample_nearest2d upsample_nearest3d _upsample_nearest_exact1d
    _upsample_nearest_exact2d _upsample_nearest_exact3d upsample_trilinear3d _weight_norm _weight_norm_interface
    # losses, which some models return
    binary_cross_entropy binary_cross_entropy_with_logits cosine_embedding_loss cross_entropy_loss ctc_loss
    hinge_embedding_loss huber_loss kl_div l1_loss margin_ranking_loss mse_loss multi_margin_loss multilabel_margin_loss
    nll_loss nll_loss2d nll_loss2d_forward nll_loss_forward nll_loss_nd poisson_nll_loss smooth_l1_loss soft_margin_loss
    triplet_margin_loss
    """.splitlines()
    if not line.lstrip().startswith("#")
    for word in line.split()
)
_OVERLOADS = frozenset(
    word
    for line in """
    IntList Scalar ScalarOpt_dim ScalarOpt_dim_dtype ScalarOpt_dtype ScalarOther ScalarSelf Scalar_Tensor Scalar_mode Tensor
    Tensor_Scalar Tensor_Tensor Tensor_float Tensor_mode array atol_rtol_float atol_rtol_tensor beta center correction data
    decimals default deprecated device dim dim_IntList dim_int dims dtype dtype_layout dx indexing indices input int int_Scalar
    int_Tensor intlist low low_dtype memory_format msg no_stats ord_str other other_scalar p padding padding_idx periodic
    periodic_alpha periodic_alpha_beta reduce scalar sections self self_Tensor self_int self_scalar sizes src stable start
    start_step step sublist tensor_indices_or_sections two using_ints value value_reduce vec x
    """.splitlines()
    for word in line.split()
)
# What torch writes for reckoning with sizes; these are Python's own functions on numbers.
_OF_NUMBERS = frozenset(
    {f"_operator.{name}" for name in (
        "add", "and_", "eq", "floordiv", "ge", "gt", "le", "lshift", "lt", "mod", "mul", "ne", "neg", "or_", "pos", "pow",
        "rshift", "sub", "truediv",
    )}
    | {f"math.{name}" for name in ("ceil", "floor", "trunc")}
    | {f"torch.{name}" for name in ("sym_float", "sym_int", "sym_ite", "sym_max", "sym_min", "sym_not", "sym_sqrt")}
)  # fmt: skip
_TARGET = re.compile(r"torch\.ops\.aten\.(\w+)\.(\w+)", re.ASCII)


def allowed(target: object) -> bool:
    """Whether a program may call `target`, as torch.export writes it: `torch.ops.aten.relu.default`."""
    if not isinstance(target, str):
        return False
    if target in _OF_NUMBERS:
        return True
    parts = _TARGET.fullmatch(target)
    if parts is None or parts[2] not in _OVERLOADS:
        return False
    return parts[1] in _ATEN or parts[1].removesuffix("_") in _ATEN  # relu_ is relu in place


def in_words(target: str) -> str:
    """The operator without what all have in common: `relu`, `add.Tensor`."""
    return target.removeprefix("torch.ops.aten.").removesuffix(".default")


# What TorchScript spells as operators besides: Python's own on lists, texts and sizes.
_OF_SCRIPTS = frozenset(
    word
    for line in """
    len append extend insert pop clear copy reverse sort sorted index count list dict keys values items get update
    str format ord join split strip startswith endswith lower upper replace __is__ __isnot__ __not__ __contains__
    __getitem__ __and__ __or__ __xor__ __range_length __derive_index dim size stride numel element_size device
    is_floating_point is_complex is_signed is_contiguous storage_offset get_device tensor Bool Int Float Complex
    IntImplicit FloatImplicit ScalarImplicit ComplexImplicit cpu detach to warn unsafe_split_with_sizes is_nonzero
    is_same_size result_type can_cast promote_types _pack_padded_sequence _pad_packed_sequence _shape_as_tensor
    _reshape_from_tensor _nested_tensor_from_mask _nested_tensor_from_mask_left_aligned to_padded_tensor gcd
    mathremainder floordiv degrees radians dropout feature_dropout type_as __upsample __interpolate is_grad_enabled
    rnn_tanh rnn_relu lstm gru is_autocast_enabled is_autocast_cpu_enabled _set_item sub
    """.splitlines()
    for word in line.split()
)
_OF_PRIM = frozenset(
    word
    for line in """
    NumToTensor RaiseException data device dtype is_cpu is_cuda is_mps is_nested is_quantized is_sparse is_xpu
    layout max min requires_grad abs unchecked_unwrap_optional shape itemsize rangelist type ndim StringIndex
    TupleIndex is_meta is_mkldnn is_xla is_vulkan is_ipu is_maia is_mtia is_neg is_hpu grad H T mH mT real imag
    isinstance tolist unchecked_cast
    """.splitlines()
    for word in line.split()
)
# What torch makes of TorchScript's source besides operators, when it reads it: branches, loops, tuples, attributes.
_NODES = frozenset(
    word
    for line in """
    Constant GetAttr SetAttr If Loop ListConstruct ListUnpack TupleConstruct TupleUnpack TupleSlice DictConstruct
    CreateObject CallMethod CallFunction Uninitialized Return Param Drop Load Store NumToTensor
    """.splitlines()
    for word in line.split()
)
_SCRIPT_CALL = re.compile(r"torch\.(?P<aten>\w+)|ops\.aten\.(?P<spelled>\w+)|ops\.prim\.(?P<prim>\w+)", re.ASCII)


def allowed_in_script(call: str) -> bool:
    """Whether TorchScript's source may call this, as it is written there: `torch.relu`, `ops.prim.dtype`."""
    parts = _SCRIPT_CALL.fullmatch(call)
    if parts is None:
        return False
    if parts["prim"]:
        return parts["prim"] in _OF_PRIM
    name = parts["aten"] or parts["spelled"]
    return name in _ATEN or name.removesuffix("_") in _ATEN or name in _OF_SCRIPTS


def allowed_node(kind: str) -> bool:
    """Whether the program that torch made of the source may hold such a node: `aten::relu`, `prim::If`."""
    family, _, name = kind.partition("::")
    if family == "prim":
        return name in _OF_PRIM or name in _NODES
    return family == "aten" and allowed_in_script(f"torch.{name}")
