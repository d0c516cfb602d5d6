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
        return nn.functional.batch_norm(x, get_buffer("running_mean"), get_buffer("running_var"), weight, bias, training, Follows ? Momentum : 0, Epsilon);
    }
}
