using Mcn.Web.Shared.Configuration;
using TorchSharp;

namespace Mcn.Web.Trainer.Training;

/// <summary>
/// The arithmetic that is active, from `precision`. TF32 is a switch of the whole process and only a GPU has it: off by accident it costs
/// eight times the time, on by accident (libtorch's own default for convolutions) three digits. It is therefore set either way.
/// </summary>
public static class Precision
{
    /// <summary>Sets the process's switches.</summary>
    public static void Activate(RunConfig config)
    {
        var tf32 = Active(config) == "tf32";
        torch.backends.cuda.matmul.allow_tf32 = tf32;
        torch.backends.cudnn.allow_tf32 = tf32;
    }

    /// <summary>What a result depends on: `fp32`, `tf32` or `bf16`. On the CPU there is no TF32: fp32 is active.</summary>
    public static string Active(RunConfig config) => config.Precision == "tf32" && config.Devices[0] == "cpu" ? "fp32" : config.Precision;

    /// <summary>For people: also that a wish has no effect.</summary>
    public static string Describe(RunConfig config) => Active(config) == config.Precision ? config.Precision : $"{Active(config)} ({config.Precision} has no effect on {config.Devices[0]})";
}
