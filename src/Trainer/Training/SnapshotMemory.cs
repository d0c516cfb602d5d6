using System.Globalization;
using System.Runtime.InteropServices;
using Mcn.Web.Shared;
using Mcn.Web.Trainer.Recording;

namespace Mcn.Web.Trainer.Training;

/// <summary>
/// Two slots for snapshots, the older one is overwritten. Handed over by the supervisor (an unnamed file in memory, which outlives this
/// process; no /dev/shm) or, without one, this process's own, from which checkpoints are written behind training.
/// </summary>
public sealed unsafe partial class SnapshotMemory : IDisposable
{
    const int Slots = 2;
    const int None = -1;

    readonly int descriptor;
    SnapshotSlot[] slots = [];
    byte* start;
    long slotBytes;
    long sequence;

    SnapshotMemory(int descriptor)
    {
        this.descriptor = descriptor;
        if (descriptor == None || (slotBytes = LengthOf(descriptor) / Slots) < SnapshotSlot.HeaderBytes) return;
        Map();
        sequence = slots.Max(slot => Math.Abs(slot.Sequence));
    }

    /// <summary>Whether a snapshot is still there when this process has died.</summary>
    public bool Outlives => descriptor != None;

    /// <summary>Of the host, which this run has already whatever this process takes; 0 without a supervisor.</summary>
    public long HeldBytes => Outlives ? LengthOf(descriptor) : 0;

    /// <summary>What the supervisor allows, bytes for both slots; null: no supervisor, or it says nothing.</summary>
    public long? Budget { get; private init; }

    /// <summary>Memory of this process; gone with it.</summary>
    public static SnapshotMemory Own() => new(None);

    /// <summary>The memory that the supervisor handed over, else this process's own.</summary>
    public static SnapshotMemory FromSupervisor()
    {
        static long? Number(string name) => long.TryParse(Environment.GetEnvironmentVariable(name), NumberStyles.None, CultureInfo.InvariantCulture, out var value) ? value : null;
        return Number(SnapshotHandover.DescriptorVariable) is { } inherited
            ? new SnapshotMemory((int)inherited) { Budget = Number(SnapshotHandover.BudgetVariable) }
            : Own();
    }

    /// <summary>Makes both slots large enough, taking the memory at once: not later, in the middle of a step.</summary>
    /// <returns>Null: done. Otherwise why not; then there is no memory at all.</returns>
    internal string? Fit(long bytes)
    {
        bytes += SnapshotSlot.HeaderBytes + bytes / 64 + (1 << 20); // the table, and a little to grow
        if (bytes <= slotBytes) return null;
        if (Budget is { } budget && bytes * Slots > budget)
            return FormattableString.Invariant($"{bytes * Slots:N0} bytes are needed for two, {budget:N0} can be spared; a crash costs what was done since the last checkpoint");
        const int page = 4096;
        Unmap();
        slotBytes = (bytes + page - 1) / page * page;
        if (Outlives && posix_fallocate(descriptor, 0, slotBytes * Slots) is var error and not 0)
        {
            _ = ftruncate(descriptor, 0);
            return $"the kernel gives no {slotBytes * Slots:N0} bytes ({Marshal.GetPInvokeErrorMessage(error)})";
        }

        Map();
        return null;
    }

    /// <summary>A slot to overwrite, marked busy; null: both are still being written to disk.</summary>
    internal SnapshotSlot? Acquire()
    {
        var free = slots.Where(slot => !slot.Busy);
        // Whoever dies finds the newer one. Memory of our own is not to be found: the slot that is touched already will do.
        var chosen = Outlives ? free.MinBy(slot => slot.Sequence) : free.MaxBy(slot => slot.Sequence);
        if (chosen is not null) chosen.Busy = true;
        return chosen;
    }

    internal long NextSequence() => ++sequence;

    /// <summary>The newest whole snapshot that an earlier process left.</summary>
    internal (SnapshotSlot Slot, ImageTable Table, Mcn.Web.Shared.Runs.StepProof? Proof)? Newest()
    {
        foreach (var slot in slots.OrderByDescending(slot => slot.Sequence))
        {
            if (slot.Read() is { } found) return (slot, found.Table, found.Proof);
        }

        return null;
    }

    void Map()
    {
        const int readWrite = 3, shared = 1, @private = 2, anonymous = 0x20;
        var address = mmap(0, (nuint)(slotBytes * Slots), readWrite, Outlives ? shared : @private | anonymous, descriptor, 0);
        if (address == -1) throw new UserError("memory for snapshots", Marshal.GetPInvokeErrorMessage(Marshal.GetLastPInvokeError()), $"{slotBytes * Slots:N0} bytes",
            "Free memory", ExitCodes.HostMemory);
        start = (byte*)address;
        slots = [.. Enumerable.Range(0, Slots).Select(index => new SnapshotSlot(start + index * slotBytes, slotBytes))];
    }

    void Unmap()
    {
        if (start is null) return;
        _ = munmap((nint)start, (nuint)(slotBytes * Slots));
        start = null;
        slots = [];
    }

    static long LengthOf(int descriptor)
    {
        const int end = 2;
        return Math.Max(0, lseek(descriptor, 0, end));
    }

    /// <summary>The threads that use the slots have ended before.</summary>
    public void Dispose() => Unmap();

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint mmap(nint address, nuint length, int protection, int flags, int descriptor, long offset);

    [LibraryImport("libc")]
    private static partial int munmap(nint address, nuint length);

    [LibraryImport("libc")]
    private static partial int posix_fallocate(int descriptor, long offset, long length);

    [LibraryImport("libc")]
    private static partial int ftruncate(int descriptor, long length);

    [LibraryImport("libc")]
    private static partial long lseek(int descriptor, long offset, int origin);
}
