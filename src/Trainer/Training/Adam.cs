using Mcn.Web.Shared.Configuration;
using Mcn.Web.Trainer.Model;
using TorchSharp;
using static TorchSharp.torch;

namespace Mcn.Web.Trainer.Training;

/// <summary>
/// Adam (Kingma and Ba 2015) as in the original: no weight decay, eps outside the bias-corrected root,
/// p −= lr · m̂ / (√v̂ + eps). One fused kernel call for all parameters where libtorch offers it (a third of the time and no
/// temporaries), plain tensor operations otherwise.
/// </summary>
public sealed class Adam : IDisposable
{
    readonly OptimizerConfig config;
    readonly bool fused;
    readonly Tensor step;

    /// <param name="parameters">Named parameters that get gradients.</param>
    /// <param name="allowFused">Off only to compare with the plain operations.</param>
    public Adam(IEnumerable<(string Name, Tensor Parameter)> parameters, OptimizerConfig config, bool allowFused = true)
    {
        this.config = config;
        Moments = [.. parameters.Select(p => new Moment(
            p.Name,
            p.Parameter,
            zeros_like(p.Parameter).detach().DetachFromDisposeScope(),
            zeros_like(p.Parameter).detach().DetachFromDisposeScope()))];
        step = zeros(Array.Empty<long>(), ScalarType.Float32, Moments[0].Parameter.device).DetachFromDisposeScope();
        fused = allowFused && FusedAdam.IsAvailable;
    }

    /// <param name="First">m: running mean of the gradient.</param>
    /// <param name="Second">v: running mean of its square.</param>
    public sealed record Moment(string Name, Tensor Parameter, Tensor First, Tensor Second);

    public IReadOnlyList<Moment> Moments { get; }

    /// <summary>Steps taken.</summary>
    public long StepsTaken { get; set; }

    /// <summary>`fused` or `plain`: which arithmetic runs; part of the run's record.</summary>
    public string Kind => fused ? "fused" : "plain";

    /// <summary>One update from the gradients that the parameters hold; the gradients are released.</summary>
    public void Step(double learningRate)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        StepsTaken++;
        var active = Moments.Where(moment => moment.Parameter.grad is not null).ToArray();
        if (fused)
        {
            using var number = StepsTaken.ToScalar();
            step.fill_(number);
            FusedAdam.Step(active, step, learningRate, config);
        }
        else
        {
            foreach (var moment in active) PlainStep(moment, learningRate);
        }

        foreach (var moment in active) moment.Parameter.grad = null;
    }

    void PlainStep(Moment moment, double learningRate)
    {
        using var scope = NewDisposeScope();
        using var keep1 = config.Beta1.ToScalar();
        using var take1 = (1 - config.Beta1).ToScalar();
        using var keep2 = config.Beta2.ToScalar();
        using var take2 = (1 - config.Beta2).ToScalar();
        using var correction2 = Math.Sqrt(1 - Math.Pow(config.Beta2, StepsTaken)).ToScalar();
        using var eps = config.Eps.ToScalar();
        using var rate = (-learningRate / (1 - Math.Pow(config.Beta1, StepsTaken))).ToScalar();
        var gradient = moment.Parameter.grad!;
        moment.First.mul_(keep1).add_(gradient, take1);
        moment.Second.mul_(keep2).addcmul_(gradient, gradient, take2);
        var denominator = moment.Second.sqrt().div_(correction2).add_(eps, Scalars.One);
        moment.Parameter.addcdiv_(moment.First, denominator, rate);
    }

    public void Dispose()
    {
        step.Dispose();
        foreach (var moment in Moments)
        {
            moment.First.Dispose();
            moment.Second.Dispose();
        }
    }
}
