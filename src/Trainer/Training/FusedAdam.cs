using System.Runtime.InteropServices;
using Mcn.Web.Shared.Configuration;
using static TorchSharp.torch;

namespace Mcn.Web.Trainer.Training;

/// <summary>
/// libtorch's fused Adam kernel (`aten::_fused_adam_`) through libtorch's C interface, which TorchSharp does not wrap. The interface
/// takes TorchSharp's tensor handles directly and returns error codes instead of ending the process.
/// </summary>
static unsafe partial class FusedAdam
{
    // libtorch 2.10's C interface: which layout of arguments the caller was built for, (major << 56) | (minor << 48).
    const ulong InterfaceVersion = (2UL << 56) | (10UL << 48);

    /// <summary>Whether this libtorch exports the interface; tried once on a real parameter.</summary>
    public static bool IsAvailable { get; } = Works();

    /// <summary>One update of every given parameter. The step tensor holds the number of this step, from 1.</summary>
    /// <exception cref="InvalidOperationException">The kernel refused its arguments.</exception>
    public static void Step(IReadOnlyList<Adam.Moment> moments, Tensor step, double learningRate, OptimizerConfig config)
    {
        if (moments.Count == 0) return;
        Span<ulong> stack =
        [
            List(moments, moment => moment.Parameter),
            List(moments, moment => moment.Parameter.grad!),
            List(moments, moment => moment.First),
            List(moments, moment => moment.Second),
            List([], moment => moment.First),
            List(moments, _ => step),
            Bits(learningRate), Bits(config.Beta1), Bits(config.Beta2), Bits(0), Bits(config.Eps),
            0, 0, // amsgrad, maximize
            0, 0, // grad_scale, found_inf: none
        ];
        fixed (ulong* arguments = stack)
        {
            Check(torch_call_dispatcher("aten::_fused_adam_", "", arguments, InterfaceVersion));
        }
    }

    static bool Works()
    {
        try
        {
            using var scope = NewDisposeScope();
            using var parameter = ones(2).requires_grad_(true);
            parameter.sum().backward();
            var moment = new Adam.Moment("probe", parameter, zeros(2), zeros(2));
            using (no_grad()) Step([moment], ones(Array.Empty<long>()), 0.5, Probe);
            return Math.Abs(parameter[0].item<float>() - 0.5f) < 1e-4;
        }
        catch (Exception error) when (error is EntryPointNotFoundException or DllNotFoundException or InvalidOperationException or ExternalException)
        {
            return false;
        }
    }

    static OptimizerConfig Probe => new()
    {
        Lr = 1, Schedule = "constant", WarmupSteps = 0, Epochs = 1, Beta1 = 0.9, Beta2 = 0.999, Eps = 1e-8,
    };

    /// <summary>A list of new handles; the call takes ownership of both.</summary>
    static ulong List(IReadOnlyList<Adam.Moment> moments, Func<Adam.Moment, Tensor> tensor)
    {
        Check(torch_new_list_reserve_size((nuint)moments.Count, out var list));
        foreach (var moment in moments)
        {
            Check(aoti_torch_new_tensor_handle(tensor(moment).Handle, out var handle));
            Check(torch_list_push_back(list, (ulong)handle));
        }

        return (ulong)list;
    }

    static ulong Bits(double value) => BitConverter.DoubleToUInt64Bits(value);

    static void Check(int error)
    {
        if (error != 0) throw new InvalidOperationException($"libtorch's C interface answered {error} to _fused_adam_");
    }

    [LibraryImport("libtorch_cpu", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int torch_call_dispatcher(string operation, string overload, ulong* stack, ulong interfaceVersion);

    [LibraryImport("libtorch_cpu")]
    private static partial int torch_new_list_reserve_size(nuint size, out nint list);

    [LibraryImport("libtorch_cpu")]
    private static partial int torch_list_push_back(nint list, ulong element);

    [LibraryImport("libtorch_cpu")]
    private static partial int aoti_torch_new_tensor_handle(nint tensor, out nint handle);
}
