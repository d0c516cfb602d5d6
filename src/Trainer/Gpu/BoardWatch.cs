using Mcn.Web.Shared;
using Mcn.Web.Shared.Telemetry;
using Mcn.Web.Trainer.Host;

namespace Mcn.Web.Trainer.Gpu;

/// <summary>Memory of one board at a moment.</summary>
/// <param name="Device">As a configuration names it: `cuda:0`.</param>
/// <param name="UsedBytes">By everybody, the driver among them.</param>
/// <param name="Processes">Bytes of each process that computes on it, by process id; null: not told. Empty: none is told.</param>
public sealed record BoardReading(string Device, long UsedBytes, IReadOnlyDictionary<int, long?> Processes);

/// <summary>
/// The memory of the boards that some devices are, and who holds it, from NVML: no CUDA context. One caller at a time; a driver that hangs
/// is waited for so long and no longer.
/// </summary>
public sealed class BoardWatch : IDisposable
{
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    readonly IReadOnlyList<string> devices;
    readonly string? visible;
    readonly string library;
    readonly PatientCall<IReadOnlyList<BoardReading>> read;
    NvmlSession? session;
    bool simulated;

    /// <param name="devices">`cuda:N` each.</param>
    public BoardWatch(IReadOnlyList<string> devices)
        : this(devices, Nvml.LibraryToLoad, VisibleBoards.FromEnvironment)
    {
    }

    internal BoardWatch(IReadOnlyList<string> devices, string library, string? visible)
    {
        (this.devices, this.library, this.visible) = (devices, library, visible);
        read = new PatientCall<IReadOnlyList<BoardReading>>("board-memory", ReadAll, Patience);
    }

    /// <summary>The figures are made up (FakeNvml); known after the first reading.</summary>
    public bool Simulated => simulated;

    /// <returns>One of each device, in their order.</returns>
    /// <exception cref="UserError">The memory of one of them cannot be read.</exception>
    public IReadOnlyList<BoardReading> Read()
    {
        try
        {
            return read.TryGet(out var boards) ? boards! : throw Unreadable(devices[0], $"NVML does not answer in {Patience.TotalSeconds:0} s");
        }
        catch (InvalidOperationException failure) when (failure.InnerException is UserError unreadable)
        {
            throw unreadable;
        }
    }

    IReadOnlyList<BoardReading> ReadAll()
    {
        session ??= NvmlSession.Open(library, out simulated, out var refused) ?? throw Unreadable(devices[0], refused!);
        var boards = session.Read(out var unavailable) ?? throw Unreadable(devices[0], unavailable!);
        return [.. devices.Select(device => Of(device, boards))];
    }

    BoardReading Of(string device, IReadOnlyList<GpuReading> boards)
    {
        var board = VisibleBoards.Find(boards, device, visible)
            ?? throw Unreadable(device, $"{boards.Count} GPUs on this machine and none of them is this one{(visible is { Length: > 0 } ? $" (CUDA_VISIBLE_DEVICES={visible})" : "")}");
        return board.MemoryUsedBytes is { } used
            ? new BoardReading(device, used, session!.ProcessesOf(board))
            : throw Unreadable(device, $"{(board.Name.Length > 0 ? board.Name : "the board")} does not tell its memory");
    }

    static UserError Unreadable(string device, string found) => new(device, found, "a GPU whose memory NVML can read", "nvidia-smi says more; without it the memory can be computed but not measured");

    public void Dispose()
    {
        if (read.Idle) session?.Dispose();
    }
}
