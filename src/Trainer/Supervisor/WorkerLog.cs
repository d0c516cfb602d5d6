using System.Text;

namespace Mcn.Web.Trainer.Supervisor;

/// <summary>
/// What one worker printed, in `logs/worker-NNNNNN.log`; bounded: what comes after is counted, and kept in the tail only. Called by two
/// reading threads.
/// </summary>
public sealed class WorkerLog : IDisposable
{
    const long MostBytes = 16 << 20;

    readonly object gate = new();
    readonly StreamWriter file;
    readonly TimeProvider time;
    long bytes;
    bool disposed;

    public WorkerLog(string path, TimeProvider time)
    {
        this.time = time;
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        file = new StreamWriter(new FileStream(path, FileMode.Append, FileAccess.Write, FileShare.Read), new UTF8Encoding(false)) { AutoFlush = true };
    }

    /// <summary>Lines that found the log full, or the disk.</summary>
    public long Dropped { get; private set; }

    public void Write(string source, string line)
    {
        lock (gate)
        {
            if (disposed || bytes > MostBytes)
            {
                Dropped++;
                return;
            }

            try
            {
                file.WriteLine($"{time.GetUtcNow():yyyy-MM-dd HH:mm:ss.fff} {source} {line}");
                bytes += line.Length + 32;
                if (bytes > MostBytes) file.WriteLine("[the log is full; what follows is not kept]");
            }
            catch (IOException)
            {
                Dropped++;
            }
        }
    }

    public void Dispose()
    {
        lock (gate)
        {
            disposed = true;
            file.Dispose();
        }
    }
}
