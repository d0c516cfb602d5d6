using System.Runtime.InteropServices;
using System.Text;
using Mcn.Web.Shared.Crashes;

namespace Mcn.Web.Trainer.Supervisor;

/// <summary>
/// The few calls of libc that start and end a worker. Not System.Diagnostics.Process: it tells exit code 137 and SIGKILL apart no more
/// than a shell does, and a report that cannot do that accuses the wrong one. glibc, 64 bit.
/// </summary>
static unsafe partial class NativeSpawn
{
    public const int SigKill = 9;
    public const int SigTerm = 15;

    const int OpenCloseOnExec = 0x80000;
    const int WaitForExited = 4;
    const int KeepWaitable = 0x01000000;
    const short SetGroup = 0x02;
    const short SetDefaultSignals = 0x04;
    const short SetSignalMask = 0x08;

    // Generous: glibc's are 336 (attributes) and 80 (file actions) bytes, sigset_t is 128.
    const int OpaqueBytes = 1024;
    const int SignalSetBytes = 128;

    const int Interrupted = 4; // EINTR

    /// <summary>Our ends of the child's pipes.</summary>
    public readonly record struct Child(int ProcessId, int Input, int Output, int Error);

    /// <summary>Starts a program with three pipes, in its own process group (Ctrl-C is the supervisor's), with default signals.</summary>
    /// <param name="inherited">A descriptor of ours that the child finds at 3; null: none.</param>
    /// <exception cref="IOException">The kernel refuses; the errno is in the text.</exception>
    public static Child Start(IReadOnlyList<string> command, IReadOnlyDictionary<string, string> environment, int? inherited = null)
    {
        var (childIn, ourIn) = Pipe();
        var (ourOut, childOut) = Pipe();
        var (ourError, childError) = Pipe();
        byte* actions = stackalloc byte[OpaqueBytes];
        byte* attributes = stackalloc byte[OpaqueBytes];
        byte* signals = stackalloc byte[SignalSetBytes];
        Check(posix_spawn_file_actions_init(actions), "posix_spawn_file_actions_init");
        Check(posix_spawnattr_init(attributes), "posix_spawnattr_init");
        try
        {
            Check(posix_spawn_file_actions_adddup2(actions, childIn, 0), "stdin");
            Check(posix_spawn_file_actions_adddup2(actions, childOut, 1), "stdout");
            Check(posix_spawn_file_actions_adddup2(actions, childError, 2), "stderr");
            // Last: one of the pipes may have number 3 here.
            if (inherited is { } descriptor) Check(posix_spawn_file_actions_adddup2(actions, descriptor, Recording.SnapshotHandover.Descriptor), "inherited descriptor");
            // .NET ignores SIGPIPE and blocks others in its threads; a child must not inherit that.
            new Span<byte>(signals, SignalSetBytes).Fill(0xFF);
            Check(posix_spawnattr_setsigdefault(attributes, signals), "signals");
            new Span<byte>(signals, SignalSetBytes).Clear();
            Check(posix_spawnattr_setsigmask(attributes, signals), "signal mask");
            Check(posix_spawnattr_setpgroup(attributes, 0), "process group");
            Check(posix_spawnattr_setflags(attributes, SetGroup | SetDefaultSignals | SetSignalMask), "flags");
            using var arguments = new TextArray(command);
            using var variables = new TextArray([.. environment.Select(pair => $"{pair.Key}={pair.Value}")]);
            var error = posix_spawnp(out var pid, command[0], actions, attributes, arguments.Pointer, variables.Pointer);
            if (error == 0) return new Child(pid, ourIn, ourOut, ourError);
            Close(ourIn, ourOut, ourError);
            throw new IOException($"{command[0]}: cannot be started (errno {error}: {Marshal.GetPInvokeErrorMessage(error)})");
        }
        finally
        {
            _ = posix_spawn_file_actions_destroy(actions);
            _ = posix_spawnattr_destroy(attributes);
            Close(childIn, childOut, childError);
        }
    }

    /// <summary>Blocks until the child is dead; it stays a zombie, so its number cannot be given to another process yet.</summary>
    public static WorkerEnd WaitUntilDead(int pid) => Wait(pid, WaitForExited | KeepWaitable);

    /// <summary>Takes the dead child off the process table.</summary>
    public static void Reap(int pid) => Wait(pid, WaitForExited);

    public static bool Signal(int pid, int signal) => kill(pid, signal) == 0;

    static WorkerEnd Wait(int pid, int options)
    {
        const int byProcess = 1, exited = 1, codeAt = 8, statusAt = 24;
        byte* info = stackalloc byte[128];
        while (waitid(byProcess, pid, info, options) != 0)
        {
            var error = Marshal.GetLastPInvokeError();
            if (error != Interrupted) throw new IOException($"waitid of process {pid}: {Marshal.GetPInvokeErrorMessage(error)}");
        }

        // CLD_EXITED: the status is an exit code; CLD_KILLED, CLD_DUMPED: a signal.
        var status = *(int*)(info + statusAt);
        return *(int*)(info + codeAt) == exited ? new WorkerEnd(status, null) : new WorkerEnd(null, status);
    }

    static (int Read, int Write) Pipe()
    {
        var ends = stackalloc int[2];
        if (pipe2(ends, OpenCloseOnExec) != 0) throw new IOException($"pipe2: {Marshal.GetPInvokeErrorMessage(Marshal.GetLastPInvokeError())}");
        return (ends[0], ends[1]);
    }

    static void Close(params ReadOnlySpan<int> descriptors)
    {
        foreach (var descriptor in descriptors) _ = close(descriptor);
    }

    static void Check(int error, string what)
    {
        if (error != 0) throw new IOException($"{what}: {Marshal.GetPInvokeErrorMessage(error)}");
    }

    /// <summary>A null-terminated array of C strings.</summary>
    sealed class TextArray : IDisposable
    {
        readonly nint[] texts;

        public TextArray(IReadOnlyList<string> values)
        {
            texts = [.. values.Select(Allocate)];
            Pointer = (nint*)NativeMemory.AllocZeroed((nuint)(texts.Length + 1), (nuint)sizeof(nint));
            for (var i = 0; i < texts.Length; i++) Pointer[i] = texts[i];
        }

        public nint* Pointer { get; }

        static nint Allocate(string text)
        {
            var bytes = Encoding.UTF8.GetBytes(text);
            var memory = (byte*)NativeMemory.AllocZeroed((nuint)bytes.Length + 1);
            bytes.CopyTo(new Span<byte>(memory, bytes.Length));
            return (nint)memory;
        }

        public void Dispose()
        {
            foreach (var text in texts) NativeMemory.Free((void*)text);
            NativeMemory.Free(Pointer);
        }
    }

    [LibraryImport("libc", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int posix_spawnp(out int pid, string file, byte* actions, byte* attributes, nint* arguments, nint* environment);

    [LibraryImport("libc")]
    private static partial int posix_spawn_file_actions_init(byte* actions);

    [LibraryImport("libc")]
    private static partial int posix_spawn_file_actions_destroy(byte* actions);

    [LibraryImport("libc")]
    private static partial int posix_spawn_file_actions_adddup2(byte* actions, int from, int to);

    [LibraryImport("libc")]
    private static partial int posix_spawnattr_init(byte* attributes);

    [LibraryImport("libc")]
    private static partial int posix_spawnattr_destroy(byte* attributes);

    [LibraryImport("libc")]
    private static partial int posix_spawnattr_setflags(byte* attributes, short flags);

    [LibraryImport("libc")]
    private static partial int posix_spawnattr_setpgroup(byte* attributes, int group);

    [LibraryImport("libc")]
    private static partial int posix_spawnattr_setsigdefault(byte* attributes, byte* signals);

    [LibraryImport("libc")]
    private static partial int posix_spawnattr_setsigmask(byte* attributes, byte* signals);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int waitid(int kind, int pid, byte* info, int options);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int pipe2(int* ends, int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int kill(int pid, int signal);

    [LibraryImport("libc")]
    private static partial int close(int descriptor);
}

/// <summary>How a process ended: exactly one of the two is set.</summary>
public sealed record WorkerEnd(int? ExitCode, int? Signal)
{
    public override string ToString() => ExitCode is { } code ? $"exit code {code}" : $"signal {Signal} ({SignalNames.Of(Signal!.Value)})";
}
