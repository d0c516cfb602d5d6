using Mcn.Web.Shared.Configuration;
using Mcn.Web.Trainer.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace Mcn.Web.Trainer.Tests.Training;

/// <summary>Beside the comparison with the original's steps (Parity): the fallback arithmetic, and the end of the schedule.</summary>
public sealed class AdamTests
{
    static readonly OptimizerConfig Config = new() { Lr = 1e-2, Schedule = "constant", WarmupSteps = 0, Epochs = 1, Beta1 = 0.9, Beta2 = 0.999, Eps = 1e-8 };

    [Fact]
    public void Plain_operations_give_what_the_fused_kernel_gives()
    {
        using var scope = NewDisposeScope();
        random.manual_seed(5);
        var start = randn(50, 7);
        Tensor[] gradients = [.. Enumerable.Range(0, 6).Select(_ => randn(50, 7))];
        var fused = Run(start, gradients, allowFused: true, out var kind);
        var plain = Run(start, gradients, allowFused: false, out _);
        Assert.Equal("fused", kind); // else the comparison would be of one thing with itself
        GoldenSet.Near(plain, fused, 1e-6, "parameters after six steps");
        Assert.True(GoldenSet.Distance(plain, start) > 1e-2);
    }

    [Fact]
    public void The_schedule_stays_at_zero_after_the_planned_steps_unless_the_original_is_asked_for()
    {
        Assert.Equal(0, LearningRate.Factor(12, 2, 12, risesAgain: false), 1e-12);
        Assert.Equal(0, LearningRate.Factor(17, 2, 12, risesAgain: false), 1e-12);
        Assert.True(LearningRate.Factor(17, 2, 12, risesAgain: true) > 0.4);
    }

    static Tensor Run(Tensor start, Tensor[] gradients, bool allowFused, out string kind)
    {
        var parameter = start.clone().requires_grad_(true);
        using var adam = new Adam([("p", parameter)], Config, allowFused);
        foreach (var gradient in gradients)
        {
            parameter.grad = gradient.clone();
            adam.Step(Config.Lr);
        }

        kind = adam.Kind;
        return parameter.detach();
    }
}
