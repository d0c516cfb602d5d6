using Mcn.Web.Shared.Configuration;
using Mcn.Web.Trainer.Data.Disk;

namespace Mcn.Web.Trainer.Data.Shards;

/// <summary>
/// What data.read_mode means on this machine. `auto` believes the kernel, not a measurement: the mode decides the order of the videos, and
/// that must not change from one start of a run to the next.
/// </summary>
public static class ReadModes
{
    public const string Auto = "auto";
    public const string Sequential = "sequential";
    public const string Random = "random";

    /// <summary>The mode, and why.</summary>
    public static (string Mode, string Because) Of(DataConfig data)
    {
        if (data.ReadMode != Auto) return (data.ReadMode, "data.read_mode says so");
        var device = BlockDevice.Of(data.Shards);
        return device.IsRotational switch
        {
            true => (Sequential, $"the kernel calls {device.Name} rotational"),
            false => (Random, $"the kernel calls {device.Name} not rotational"),
            null => (Random, $"{device.Mount} ({device.FileSystem}) has no block device of its own"),
        };
    }
}
