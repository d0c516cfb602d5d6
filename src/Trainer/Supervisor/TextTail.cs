using System.Text;

namespace Mcn.Web.Trainer.Supervisor;

/// <summary>The last bytes of an output, as whole lines; bounded. One writer, any reader.</summary>
public sealed class TextTail(int capacityBytes)
{
    readonly object gate = new();
    readonly Queue<string> lines = new();
    long bytes;
    long dropped;

    public void Add(string line)
    {
        lock (gate)
        {
            lines.Enqueue(line);
            bytes += Size(line);
            while (bytes > capacityBytes && lines.Count > 1)
            {
                bytes -= Size(lines.Dequeue());
                dropped++;
            }
        }
    }

    /// <summary>Oldest first; the first line says how many came before.</summary>
    public IReadOnlyList<string> Lines()
    {
        lock (gate) return dropped == 0 ? [.. lines] : [$"[… {dropped} lines before these are in the log file]", .. lines];
    }

    static int Size(string line) => Encoding.UTF8.GetByteCount(line) + 1;
}
