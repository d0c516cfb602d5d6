using System.Globalization;
using System.Runtime.InteropServices;
using Mcn.Web.Trainer.Host;
using Mcn.Web.Trainer.Recording;
using Microsoft.Win32.SafeHandles;

namespace Mcn.Web.Trainer.Supervisor;

/// <summary>
/// Memory for the snapshots of the loaded run: a file without a name (memfd_create, so no /dev/shm), handed to each of its workers. It
/// lives as long as the daemon; the worker decides its size within what is allowed here, and it counts against the daemon's control
/// group. Owned by the keeper.
/// </summary>
public sealed partial class SnapshotFile : IDisposable
{
    /// <summary>Of what is available when a worker starts: the rest is for the network, its gradients and the batches.</summary>
    const double MostShare = 1.0 / 3;

    readonly CgroupWatch cgroup = new();

    SnapshotFile(SafeFileHandle handle) => Handle = handle;

    public SafeFileHandle Handle { get; }

    /// <summary>Null: the kernel gives none; workers then have only their checkpoints on disk.</summary>
    public static SnapshotFile? Create()
    {
        const uint closeOnExec = 1;
        var descriptor = memfd_create("mcn-snapshots", closeOnExec);
        return descriptor < 0 ? null : new SnapshotFile(new SafeFileHandle(descriptor, ownsHandle: true));
    }

    /// <summary>Variables that tell a worker of it.</summary>
    public IEnumerable<KeyValuePair<string, string>> Variables() =>
    [
        KeyValuePair.Create(SnapshotHandover.DescriptorVariable, SnapshotHandover.Descriptor.ToString(CultureInfo.InvariantCulture)),
        KeyValuePair.Create(SnapshotHandover.BudgetVariable, BudgetBytes().ToString(CultureInfo.InvariantCulture)),
    ];

    /// <summary>Bytes it takes now.</summary>
    public long Bytes => RandomAccess.GetLength(Handle);

    /// <summary>Gives the memory back: the run's state is on disk, or another run is loaded.</summary>
    public void Clear() => RandomAccess.SetLength(Handle, 0);

    /// <summary>What it may take in all; what it has already is not available to anybody else.</summary>
    long BudgetBytes()
    {
        var (limit, used) = cgroup.Read();
        var available = Math.Min(MemoryWatch.Machine().AvailableBytes ?? long.MaxValue, limit is { } most ? most - (used ?? 0) : long.MaxValue);
        return available == long.MaxValue ? long.MaxValue : (long)(Math.Max(0, available) * MostShare) + Bytes;
    }

    public void Dispose() => Handle.Dispose();

    [LibraryImport("libc", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int memfd_create(string name, uint flags);
}
