using System.Globalization;
using Mcn.Web.Shared;
using Mcn.Web.Shared.Configuration;
using TorchSharp;
using static TorchSharp.torch;

namespace Mcn.Web.Trainer.Training;

/// <summary>
/// A configuration's `devices` as what libtorch computes on, with the process's switches as the configuration has them: whoever computes opens
/// them here first. A name that libtorch cannot open is a user's mistake, not a fault.
/// </summary>
public static class TorchDevices
{
    const string Gpu = "cuda:";

    /// <returns>One a replica, in the configuration's order.</returns>
    /// <exception cref="UserError">A GPU that this build or this machine has not got (exit code 2).</exception>
    public static Device[] Open(RunConfig config)
    {
        foreach (var name in config.Devices.Where(name => name.StartsWith(Gpu, StringComparison.Ordinal)))
        {
            if (!cuda.is_available())
                throw Missing(name, "a build of this program with CUDA and a driver that answers",
                    "Build with MCN_TORCH_BACKEND=cuda and look at nvidia-smi, or train on the processor: \"devices\": \"cpu\"");
            var count = cuda.device_count();
            if (int.Parse(name.AsSpan(Gpu.Length), CultureInfo.InvariantCulture) >= count)
                throw Missing(name, $"cuda:0 to cuda:{count - 1}, what is in this machine", "Name those; CUDA_VISIBLE_DEVICES may hide some");
        }

        Precision.Activate(config);
        Determinism.Activate(config);
        return [.. config.Devices.Select(name => torch.device(name))];
    }

    static UserError Missing(string name, string expected, string remedy) => new("devices", $"{name} cannot be opened", expected, remedy, ExitCodes.Usage);
}
