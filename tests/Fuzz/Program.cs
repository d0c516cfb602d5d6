using Mcn.Web.Fuzz;
using SharpFuzz;

// Owner: afl-fuzz, which feeds one input after another to this process and watches which branches each one takes (run.sh).
// With files after the reader's name it reads those once and says what happened: how a finding is looked at again.
if (args.Length == 0 || !Readers.All.TryGetValue(args[0], out var read))
{
    Console.Error.WriteLine($"usage: Fuzz {string.Join('|', Readers.All.Keys)} [FILE …]");
    return 2;
}

if (args.Length == 1)
{
    Fuzzer.Run(stream =>
    {
        using var content = new MemoryStream();
        stream.CopyTo(content);
        Verdict.Of(read, content.ToArray());
    });
    return 0;
}

foreach (var file in args.AsSpan(1)) Console.WriteLine($"{file}: {Verdict.Of(read, File.ReadAllBytes(file))}");
return 0;
