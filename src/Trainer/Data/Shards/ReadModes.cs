using Mcn.Web.Shared.Configuration;
using Mcn.Web.Trainer.Data.Disk;

namespace Mcn.Web.Trainer.Data.Shards;

/// <summary>
/// What data.read_mode means on this machine. `auto` believes the kernel, not a measurement, and only where a run begins: the mode decides
/// the order of the videos, and that must not change from one start of a run to the next, or on another disk.
/// </summary>
public static class ReadModes
{
    public const string Auto = "auto";
    public const string Sequential = "sequential";
    public const string Random = "random";

    /// <summary>The mode, and why.</summary>
    /// <param name="began">The mode in which the run began; null: it begins now.</param>
    public static (string Mode, string Because) Of(DataConfig data, string? began = null)
    {
        if (data.ReadMode != Auto) return (data.ReadMode, "data.read_mode says so");
        if (began is Sequential or Random) return (began, "auto chose it where the run began");
        var device = BlockDevice.Of(data.Shards);
        return device.IsRotational switch
        {
            true => (Sequential, $"the kernel calls {device.Name} rotational"),
            false => (Random, $"the kernel calls {device.Name} not rotational"),
            null => (Random, $"{device.Mount} ({device.FileSystem}) has no block device of its own"),
        };
    }
}
