using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Mcn.Web.Trainer.Model;

/// <summary>
/// A convolution over time without bias, zeros around it: (n, in, t) → (n, out, t/stride). The weight keeps the original's 2-d shape (out, in
/// or 1, height, kernel). In single precision on the CPU its output has a frame's channels side by side in memory, and its way back is two
/// things that are faster than oneDNN's: another convolution for the input, matrix products for the weight.
/// </summary>
sealed class TimeConvolution : nn.Module<Tensor, Tensor>
{
    /// <summary>Bound of the patches laid out at a time for a gradient in the weight: what a processor's caches hold.</summary>
    const long MostPatchBytes = 2L << 20;

    readonly Parameter weight;
    readonly long outputs;
    readonly long inputs;
    readonly long taps;
    readonly long margin;
    readonly long stride;
    readonly Kind kind;

    /// <param name="shape">Of the weight.</param>
    public TimeConvolution(long[] shape, long stride, Kind kind)
        : base(nameof(TimeConvolution))
    {
        using var deviation = Math.Sqrt(2.0 / (shape[2] * shape[3] * shape[0])).ToScalar();
        weight = new Parameter(randn(shape).mul_(deviation));
        (outputs, inputs, taps, margin) = (shape[0], shape[1] * shape[2], shape[3], shape[3] / 2);
        this.stride = stride;
        this.kind = kind;
        register_parameter("weight", weight);
    }

    /// <summary>(out, in, taps)</summary>
    Tensor Kernel => weight.view(outputs, inputs, taps);

    /// <summary>Whether the output for this input has its channels side by side.</summary>
    public bool IsSideBySide(Tensor x) => kind.SideBySide && x is { device_type: DeviceType.CPU, dtype: ScalarType.Float32 };

    public override Tensor forward(Tensor x)
    {
        Tape.Recording?.Keep(x);
        var kernel = Kernel;
        if (IsSideBySide(x)) return taps == 1 ? Apply(kernel.squeeze(2), EveryStride(x)) : Convolve(x, kernel, stride, margin);
        return kind.Compute is { } type
            ? nn.functional.conv1d(x.Rounded(type), kernel.Rounded(type), null, stride, margin, 1).to(type)
            : nn.functional.conv1d(x, kernel, null, stride, margin, 1);
    }

    /// <summary>The gradient in the input; that in the weight goes to the tape.</summary>
    /// <param name="gradient">(n, out, t/stride), channels side by side; freed.</param>
    /// <returns>(n, in, t); of a kernel of one tap (n, in, t/stride), the frames that it looks at.</returns>
    public Tensor Backward(Tensor gradient, Tape tape)
    {
        using var scope = NewDisposeScope();
        using var used = gradient;
        var frames = BackwardToWeight(gradient, tape);
        return (taps == 1 ? Apply(Kernel.squeeze(2).t(), gradient) : Transposed(gradient, frames)).MoveToOuterDisposeScope();
    }

    /// <summary>Into the tape the gradient in the weight: what each output was made of times the gradient in it.</summary>
    /// <returns>t.</returns>
    public long BackwardToWeight(Tensor gradient, Tape tape)
    {
        using var scope = NewDisposeScope();
        using var input = tape.Take();
        var (x, rows) = (input.transpose(1, 2), gradient.transpose(1, 2));
        var (clips, steps) = (rows.shape[0], rows.shape[1]);
        var total = zeros(outputs, taps * inputs);
        var most = Math.Max(1, MostPatchBytes / (steps * taps * inputs * sizeof(float)));
        for (var first = 0L; first < clips; first += most)
        {
            using var block = NewDisposeScope();
            var count = Math.Min(most, clips - first);
            var patches = Patches(x.narrow(0, first, count), steps, tape);
            total.add_(rows.narrow(0, first, count).reshape(-1, outputs).t().mm(patches), Scalars.One);
        }

        tape.Give(weight, total.view(outputs, taps, inputs).transpose(1, 2).reshape(weight.shape));
        return x.shape[1];
    }

    /// <summary>(n, t, in) → (n·steps, taps·in): for each step the frames that its output was made of, one after another.</summary>
    Tensor Patches(Tensor x, long steps, Tape tape)
    {
        var (clips, frames, patch) = (x.shape[0], x.shape[1], taps * inputs);
        var patches = tape.Scratch(Tape.Use.Patches, clips * steps * patch).view(clips, steps, patch);
        if (taps == 1) return patches.copy_(x.slice(1, 0, frames, stride)).view(-1, patch);
        var padded = tape.Scratch(Tape.Use.Padded, clips * (frames + (2 * margin)) * inputs).view(clips, -1, inputs).zero_();
        padded.narrow(1, margin, frames).copy_(x);
        // The frames of a patch follow one another in memory, and the next patch begins a stride further on.
        return patches.copy_(padded.as_strided([clips, steps, patch], [padded.stride(0), stride * inputs, 1], padded.storage_offset())).view(-1, patch);
    }

    /// <summary>
    /// The transposed convolution as an ordinary one: frame s·u + p (phase p, 0 ≤ p &lt; s) had a part in the outputs u + d by tap p + margin − s·d.
    /// Each phase has kernels of its own, and the phases' results lie in memory as the frames do.
    /// </summary>
    Tensor Transposed(Tensor gradient, long frames)
    {
        var reach = (stride - 1 + margin) / stride;
        var window = Enumerable.Range(0, (int)((2 * reach) + 1)).Select(place => place - reach);
        var order = Enumerable.Range(0, (int)stride).SelectMany(phase => window.Select(d => phase + margin - (stride * d))).Select(tap => tap >= 0 && tap < taps ? tap : taps);
        var kernels = cat([Kernel, zeros(outputs, inputs, 1)], 2).index_select(2, tensor(order.ToArray()))
            .view(outputs, inputs, stride, -1).permute(2, 1, 0, 3).reshape(stride * inputs, outputs, -1);
        return Convolve(gradient, kernels, 1, reach).transpose(1, 2).view(gradient.shape[0], -1, inputs).narrow(1, 0, frames).contiguous().transpose(1, 2);
    }

    /// <summary>Of (n, c, t) the frames that a kernel of one tap looks at, (n, c, t/stride): a view.</summary>
    public Tensor EveryStride(Tensor x) => stride == 1 ? x : x.slice(2, 0, x.shape[2], stride);

    /// <summary>(o, c) times each frame of (n, c, t).</summary>
    static Tensor Apply(Tensor matrix, Tensor x) =>
        x.transpose(1, 2).bmm(matrix.t().expand(x.shape[0], matrix.shape[1], matrix.shape[0])).transpose(1, 2);

    /// <param name="Compute"><see cref="Arithmetic"/>.</param>
    /// <param name="SideBySide">Whether channels lie side by side where that is possible.</param>
    public sealed record Kind(ScalarType? Compute, bool SideBySide);

    /// <summary>As libtorch sees it a 2-d convolution of height 1 over maps in the format channels-last.</summary>
    static Tensor Convolve(Tensor x, Tensor kernel, long stride, long margin) =>
        nn.functional.conv2d(x.unsqueeze(2), kernel.unsqueeze(2), null, [1, stride], [0, margin], [1L, 1L]).squeeze(2);
}
