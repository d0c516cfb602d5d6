using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Mcn.Web.Trainer.Model;

/// <summary>
/// Batch normalisation over (n, c, 1, t): eps 1e-5, momentum 0.1, unbiased variance in the running value (mcn-spec §4.4).
/// Ours rather than the library's because the group of clips and the update of the running statistics are part of the
/// experiment (spec Q11), and so that the state carries the original's names.
/// </summary>
public sealed class BatchNorm : nn.Module<Tensor, Tensor>
{
    const double Momentum = 0.1;
    const double Epsilon = 1e-5;
    static readonly long[] Positions = [0, 2, 3];
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
        if (training && x.stride(1) == 1) return ChannelsLast(x);
        return nn.functional.batch_norm(x, get_buffer("running_mean"), get_buffer("running_var"), weight, bias, training, Follows ? Momentum : 0, Epsilon);
    }

    /// <summary>
    /// Training where a frame's channels lie side by side, in plain operations: libtorch's kernel for this layout adds the positions up one by
    /// one in single precision, which is off by 3e-5 over 65,536 of them (its kernel for the other layout adds in double, 5e-7). `mean` adds in
    /// a cascade, and all of it takes no longer.
    /// </summary>
    Tensor ChannelsLast(Tensor x)
    {
        using var scope = NewDisposeScope();
        var single = x.to(ScalarType.Float32);
        var mean = single.mean(Positions, keepdim: true);
        var centred = single - mean;
        var variance = (centred * centred).mean(Positions, keepdim: true);
        if (Follows) Follow(mean, variance, x.NumberOfElements / x.shape[1]);
        using var epsilon = Epsilon.ToScalar();
        var scale = variance.Plus(epsilon).rsqrt() * weight.view(1, -1, 1, 1);
        return addcmul(bias.view(1, -1, 1, 1), centred, scale, Scalars.One).to(x.dtype).MoveToOuterDisposeScope();
    }

    void Follow(Tensor mean, Tensor variance, long positions)
    {
        using var noGrad = no_grad();
        using var kept = (1 - Momentum).ToScalar();
        using var fresh = Momentum.ToScalar();
        using var freshUnbiased = (Momentum * positions / Math.Max(1, positions - 1)).ToScalar();
        get_buffer("running_mean")!.mul_(kept).add_(mean.view(-1), fresh);
        get_buffer("running_var")!.mul_(kept).add_(variance.view(-1), freshUnbiased);
    }
}
