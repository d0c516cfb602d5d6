using Mcn.Web.Shared.Telemetry;

namespace Mcn.Web.Trainer.Gpu;

/// <summary>A board as the doctor sees it. Unknown is null.</summary>
/// <param name="Lost">The driver counts it and cannot reach it.</param>
/// <param name="Processes">Bytes of each process that computes on it.</param>
/// <param name="Throttle">Bits of <see cref="Nvml.ThrottleReasons"/>.</param>
/// <param name="UncorrectedErrors">Of its memory, since the driver was loaded.</param>
/// <param name="Rows">Memory rows that wait for their replacement, or could not be replaced.</param>
/// <param name="Persists">The driver stays loaded while nobody computes.</param>
/// <param name="ComputeMode">Who may compute (nvmlComputeMode_t).</param>
sealed record BoardHealth(
    GpuReading Reading,
    bool Lost,
    IReadOnlyDictionary<int, long?> Processes,
    ulong? Throttle,
    long? UncorrectedErrors,
    (bool Pending, bool Failed)? Rows,
    bool? Persists,
    int? ComputeMode)
{
    public static BoardHealth LostBoard(int index) =>
        new(new GpuReading(index, "", "", null, null, null, null, null, []), Lost: true, new Dictionary<int, long?>(), null, null, null, null, null);
}

/// <summary>The GPUs of this machine at a moment: what the driver says of itself, the boards, and what they reach each other through.</summary>
/// <param name="Simulated">The figures are FakeNvml's.</param>
/// <param name="Unavailable">Why there are none, or null.</param>
/// <param name="Cuda">Newest CUDA that the driver takes.</param>
/// <param name="Links">Of all boards that can be reached (see <see cref="LinkTopology"/>); null: there is only one.</param>
sealed record GpuBox(bool Simulated, string? Unavailable, string? Driver, (int Major, int Minor)? Cuda, IReadOnlyList<BoardHealth> Boards, string? Links)
{
    /// <summary>Opens NVML, reads, closes it. May hang.</summary>
    public static GpuBox Read(string library)
    {
        using var session = NvmlSession.Open(library, out var simulated, out var unavailable);
        if (session is null) return new GpuBox(simulated, unavailable, null, null, [], null);
        var boards = session.Health();
        string[] devices = [.. boards.Where(board => !board.Lost).Select(board => FormattableString.Invariant($"cuda:{board.Reading.Index}"))];
        return new GpuBox(simulated, null, Nvml.DriverVersion(), Nvml.DriverCuda(), boards, devices.Length > 1 ? LinkTopology.Of(devices, library, visible: null).Links : null);
    }
}
