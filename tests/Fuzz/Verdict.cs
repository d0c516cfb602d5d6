using Mcn.Web.Shared;

namespace Mcn.Web.Fuzz;

/// <summary>What counts as a finding: anything but a value or a UserError that names the input, and memory out of proportion to the input.</summary>
static class Verdict
{
    /// <summary>Buffers that a reader takes whatever the size of its input.</summary>
    const long FixedBytes = 4 << 20;

    /// <summary>
    /// Bytes allocated for a byte of input: a pickled opcode of one byte makes an object of up to 200 with its place in a list. Archives
    /// inflate 1032 times by design of the format, with a buffer that doubles, and the arrays are copied.
    /// </summary>
    const long BytesPerByte = 4 * 1032;

    /// <summary>Reads, and throws when the reader did something that no input may make it do.</summary>
    /// <returns>One line for people.</returns>
    public static string Of(Action<byte[]> read, byte[] content)
    {
        var before = GC.GetAllocatedBytesForCurrentThread();
        var answer = "read";
        try
        {
            read(content);
        }
        catch (UserError refusal)
        {
            answer = refusal.Message;
            if (!answer.StartsWith(Readers.Subject, StringComparison.Ordinal)) throw new InvalidOperationException($"does not name the file: {answer}", refusal);
        }

        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        var most = FixedBytes + (BytesPerByte * content.Length);
        return allocated <= most ? answer : throw new InvalidOperationException($"{content.Length} bytes of input took {allocated} bytes of memory, more than {most}");
    }
}
