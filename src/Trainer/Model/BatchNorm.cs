using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Mcn.Web.Trainer.Model;

/// <summary>
/// Batch normalisation over (n, c, t): eps 1e-5, momentum 0.1, unbiased variance in the running value (mcn-spec §4.4).
/// Ours rather than the library's because the group of clips and the update of the running statistics are part of the
/// experiment (spec Q11), and so that the state carries the original's names.
/// </summary>
public sealed class BatchNorm : nn.Module<Tensor, Tensor>
{
    const double Momentum = 0.1;
    const double Epsilon = 1e-5;
    static readonly string[] Statistics = ["running_mean", "running_var", "num_batches_tracked"];

    readonly Parameter weight;
    readonly Parameter bias;

    public BatchNorm(long channels, bool trainable = true)
        : base(nameof(BatchNorm))
    {
        weight = new Parameter(ones(channels), trainable);
        bias = new Parameter(zeros(channels), trainable);
        register_parameter("weight", weight);
        register_parameter("bias", bias);
        register_buffer("running_mean", zeros(channels));
        register_buffer("running_var", ones(channels));
        register_buffer("num_batches_tracked", zeros(Array.Empty<long>(), ScalarType.Int64));
    }

    /// <summary>Whether training moves the running statistics; a step does it with one of its groups only.</summary>
    public bool Follows { get; set; } = true;

    /// <summary>What training moves besides the parameters: copies, in the caller's dispose scope.</summary>
    internal Tensor[] CopyStatistics() => [.. Statistics.Select(name => get_buffer(name)!.clone())];

    /// <summary>Puts back what <see cref="CopyStatistics"/> gave.</summary>
    internal void RestoreStatistics(Tensor[] copies)
    {
        for (var i = 0; i < copies.Length; i++) get_buffer(Statistics[i])!.copy_(copies[i]);
    }

    public override Tensor forward(Tensor x)
    {
        if (training && Follows) get_buffer("num_batches_tracked")!.add_(Scalars.One, Scalars.One);
        if (!is_grad_enabled() && SideBySide.Holds(x)) return InOnePass(x);
        return nn.functional.batch_norm(x, get_buffer("running_mean"), get_buffer("running_var"), weight, bias, training, Follows ? Momentum : 0, Epsilon);
    }

    /// <summary>
    /// Without graph, where a frame's channels lie side by side: libtorch's kernel for this layout adds the positions up one by one in single
    /// precision, which is off by 3e-5 over 65,536 of them.
    /// </summary>
    Tensor InOnePass(Tensor x)
    {
        using var scope = NewDisposeScope();
        var (mean, variance) = training ? Moments(x) : (get_buffer("running_mean")!.@double(), get_buffer("running_var")!.@double());
        if (training && Follows) Follow(mean, variance, x.NumberOfElements / x.shape[1]);
        using var epsilon = Epsilon.ToScalar();
        var inverse = variance.Plus(epsilon).rsqrt_();
        Tape.Recording?.Keep(x);
        Tape.Recording?.Keep(mean);
        Tape.Recording?.Keep(inverse);
        var scale = inverse * weight;
        var shift = (bias - (mean * scale)).to(ScalarType.Float32);
        return SideBySide.Map(addcmul(shift, SideBySide.Rows(x), scale.to(ScalarType.Float32), Scalars.One), x.shape[0]).MoveToOuterDisposeScope();
    }

    /// <summary>
    /// With g the gradient in the output, x̂ the normalised input, σ its deviation and means over a channel's positions:
    /// dx = γ/σ · (g − mean(g) − x̂ · mean(g x̂)), dγ = Σ g x̂, dβ = Σ g (Ioffe and Szegedy 2015, §3).
    /// </summary>
    /// <param name="gradient">g, channels side by side.</param>
    /// <returns>dx, in the memory of g.</returns>
    internal Tensor Backward(Tensor gradient, Tape tape)
    {
        using var scope = NewDisposeScope();
        using var inverse = tape.Take();
        using var mean = tape.Take();
        using var x = tape.Take();
        var (sums, products) = SideBySide.Moments(gradient, x);
        var sum = tensor(sums);
        var weighted = (tensor(products) - (mean * sum)).mul_(inverse);
        tape.Give(bias, sum.to(ScalarType.Float32));
        tape.Give(weight, weighted.to(ScalarType.Float32));
        using var share = (-(double)x.shape[1] / x.NumberOfElements).ToScalar();
        var scale = inverse * weight;
        var ofInput = scale * inverse * weighted * share;
        var rest = (scale * sum * share) - (mean * ofInput);
        SideBySide.Rows(gradient).mul_(scale.to(ScalarType.Float32)).addcmul_(SideBySide.Rows(x), ofInput.to(ScalarType.Float32), Scalars.One).add_(rest.to(ScalarType.Float32), Scalars.One);
        return gradient;
    }

    static (Tensor Mean, Tensor Variance) Moments(Tensor x)
    {
        var (sums, squares) = SideBySide.Moments(x, x);
        using var positions = (x.NumberOfElements / x.shape[1]).ToScalar();
        var mean = tensor(sums).div_(positions);
        return (mean, tensor(squares).div_(positions) - (mean * mean));
    }

    void Follow(Tensor mean, Tensor variance, long positions)
    {
        using var noGrad = no_grad();
        using var kept = (1 - Momentum).ToScalar();
        using var fresh = Momentum.ToScalar();
        using var freshUnbiased = (Momentum * positions / Math.Max(1, positions - 1)).ToScalar();
        get_buffer("running_mean")!.mul_(kept).add_(mean, fresh);
        get_buffer("running_var")!.mul_(kept).add_(variance, freshUnbiased);
    }
}
