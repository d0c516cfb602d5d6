using Mcn.Web.TestKit;
using Mcn.Web.Trainer.Import;

namespace Mcn.Web.Trainer.Tests.Import;

/// <summary>
/// Thousands of damaged files for every reader of foreign files, from the same sound ones that fuzzing starts from (tests/Fuzz/Seeds).
/// `./mcn test --full` takes all ten thousand of each kind, other runs a sample.
/// </summary>
public sealed class MutationTests
{
    const string Subject = "made-up";

    static readonly int Count = Environment.GetEnvironmentVariable("MCN_FULL") == "1" ? 10_000 : 500;

    static readonly Dictionary<string, Action<byte[]>> Readers = new()
    {
        ["npy"] = bytes => Look(Npy.Read(bytes, Subject)),
        ["npz"] = bytes => Look(Npz.ReadAll(bytes, Subject).Values),
        ["pickle"] = bytes => PickleReader.Read(bytes, Subject),
        ["captions"] = bytes => PickleReader.ReadTopLevelDictionary(new MemoryStream(bytes, writable: false), Subject, (_, _) => { }),
        ["pth"] = bytes => TorchFile.Read(bytes, Subject),
        ["word2vec"] = bytes => Word2Vec.Read(new MemoryStream(bytes, writable: false), Subject, null),
        ["safetensors"] = bytes =>
        {
            using var file = SafetensorsFile.Open(bytes, Subject);
            foreach (var name in file.Names) Look(file.Read(name));
        },
    };

    public static TheoryData<string> Kinds => [.. Readers.Keys];

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Every_damaged_file_is_read_or_refused_with_its_name_and_the_offset(string kind)
    {
        var seeds = Seeds(kind);
        Assert.NotEmpty(seeds);
        for (var i = 0; i < seeds.Length; i++)
        {
            var each = (Count + seeds.Length - 1) / seeds.Length;
            Mutations.OnlyUserErrors(seeds[i], Readers[kind], each, (ulong)i + 1, Subject, Mutations.PerByte(kind is "npz"));
        }
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void The_sound_files_are_read(string kind) => Assert.All(Seeds(kind), seed => Readers[kind](seed));

    static byte[][] Seeds(string kind) => [.. Directory.GetFiles(Repository.File("tests/Fuzz/Seeds/" + kind)).Order(StringComparer.Ordinal).Select(File.ReadAllBytes)];

    static void Look(params IEnumerable<HostArray> arrays)
    {
        foreach (var array in arrays) Assert.Equal(array.Count * HostArray.SizeOf(array.Type), array.Data.Length);
    }
}
