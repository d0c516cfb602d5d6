using Mcn.Web.Shared;
using Mcn.Web.Trainer.Gpu;
using Mcn.Web.Trainer.Host;

namespace Mcn.Web.Trainer.Planning;

/// <summary>Memory of a device: what there is, and what is free now. The control group's limit counts where it is the narrower one.</summary>
/// <param name="Name">As people know it: the board's name, or the CPU's memory.</param>
/// <param name="Simulated">The figures are made up: the board is FakeNvml's.</param>
public sealed record DeviceMemory(string Name, long TotalBytes, long FreeBytes, bool Simulated = false)
{
    /// <exception cref="UserError">The device is not on this machine.</exception>
    public static DeviceMemory Of(string device, TimeProvider time) => device == "cpu" ? Host() : Gpu(device, time);

    static DeviceMemory Host()
    {
        var (total, available) = MemoryWatch.Machine();
        var (limit, used) = new CgroupWatch().Read();
        var (all, free) = (total ?? 0, available ?? 0);
        if (limit is { } bound && bound - (used ?? 0) < free) (all, free) = (bound, bound - (used ?? 0));
        return new DeviceMemory("memory of this machine", all, free);
    }

    static DeviceMemory Gpu(string device, TimeProvider time)
    {
        using var sampler = new GpuSampler(time);
        var sample = sampler.Sample();
        var reading = VisibleBoards.Find(sample.Gpus, device, VisibleBoards.FromEnvironment);
        if (reading is not { MemoryTotalBytes: { } total, MemoryUsedBytes: { } used })
        {
            throw new UserError(device, sample.Unavailable ?? $"{sample.Gpus.Count} GPUs on this machine and none with this number", "a GPU whose memory can be read",
                "Name the memory of the card you plan for: --gpu-memory 40 (GiB)");
        }

        return new DeviceMemory(sample.Simulated ? $"{reading.Name} (simulated)" : reading.Name, total, total - used, sample.Simulated);
    }
}
