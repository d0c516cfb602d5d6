using System.Text.Json;
using Mcn.Web.TestKit;
using Mcn.Web.Trainer.Import;

namespace Mcn.Web.Trainer.Tests.Import;

public sealed class PickleReaderTests
{
    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    public void A_python_value_is_read_in_every_protocol(int protocol)
    {
        var value = Dictionary(PickleReader.Read(PythonPickles.Protocol(protocol), "sample"));
        var list = Assert.IsType<List<object?>>(value["list"]);
        Assert.Equal([1L, 2.5, "über", null, true, -70000L, 1L << 40], list[..7]);
        Assert.Equal([1L, "a"], Assert.IsType<object?[]>(list[7]));
        float[] elements = [0, 1, 2, 3, 4, 5];
        foreach (var key in (string[])["x", "f", "shared"])
        {
            var array = Assert.IsType<HostArray>(value[key]);
            Assert.Equal([2L, 3L], array.Shape);
            Assert.Equal(elements, array.ToSingles());
        }

        Assert.Equal(1.5, value["scalar"]);
        var half = Assert.IsType<HostArray>(value["half"]);
        Assert.Equal(ArrayType.Float16, half.Type);
        Assert.Equal([0f, 1, 2], half.ToSingles());
        var transposed = Assert.IsType<HostArray>(value["transposed"]);
        Assert.Equal([3L, 2L], transposed.Shape);
        Assert.Equal([0f, 3, 1, 4, 2, 5], transposed.ToSingles());
        Assert.Equal(new byte[] { 0, 255 }, Dictionary(value["od"])["k"]);
    }

    [Theory]
    [InlineData("posix", "system")]
    [InlineData("builtins", "eval")]
    [InlineData("pandas.core.frame", "DataFrame")]
    public void Other_names_are_refused_with_their_offset(string module, string name)
    {
        byte[] call = [0x80, 2, .. System.Text.Encoding.ASCII.GetBytes($"c{module}\n{name}\n"), .. "(X\x02\0\0\0lstR."u8];
        Arrays.Refused(() => PickleReader.Read(call, "evil.pkl"), "evil.pkl: at byte 2", $"{module}.{name}", "not loaded");
    }

    [Theory]
    [InlineData("\u0080\u0002B\u00ff\u00ff\u00ff\u007f.", "2147483647 bytes")]
    [InlineData("\u0080\u0004\u008e\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff.", "bytes are announced")]
    [InlineData("\u0080\u0002r\u0001\u0000\u0000\u0000.", "needs a value where there is none")]
    [InlineData("\u0080\u0002Nr\u00ff\u00ff\u00ff\u007f.", "memo index")]
    [InlineData("\u0080\u0004\u0095\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff.", "frame")]
    [InlineData("\u0080\u0002\u008b\u00ff\u00ff\u00ff\u007f.", "whole number of")]
    [InlineData("\u0080\u0002j\u0001\u0000\u0000\u0000.", "named before")]
    [InlineData("\u0080\u0002\u008f.", "0x8f")]
    [InlineData("\u0080\u0002u.", "was not opened")]
    [InlineData("\u0080\u0002}(Nu.", "without a value")]
    [InlineData("\u0080\u0002}(]Nu.", "neither text nor a number")]
    [InlineData("\u0080\u0007.", "protocol 7")]
    [InlineData("", "empty")]
    [InlineData("\u0080\u0002N", "ends in the middle")]
    public void Nonsense_is_refused_without_allocating(string latin1, string word)
    {
        var bytes = System.Text.Encoding.Latin1.GetBytes(latin1);
        Arrays.Refused(() => PickleReader.Read(bytes, "x.pkl"), "x.pkl: at byte", word);
    }

    [Theory]
    [InlineData("(")]
    [InlineData("N\u0085\u0085")]
    public void Nesting_without_end_is_refused(string operations)
    {
        var bytes = System.Text.Encoding.Latin1.GetBytes("N" + string.Concat(Enumerable.Repeat(operations, 1000)).Replace("N", "", StringComparison.Ordinal) + ".");
        Arrays.Refused(() => PickleReader.Read(bytes, "x.pkl"), "nested more than 100");
    }

    [Fact]
    public void A_tensor_that_repeats_one_element_a_billion_times_is_refused()
    {
        var tensor = Written(new TorchTensor(Arrays.Singles([5], 1, 2, 3, 4, 5)));
        // The shape (5,) becomes (2147483647,), the strides (1,) become (0,).
        var at = tensor.AsSpan().LastIndexOf((ReadOnlySpan<byte>)[(byte)'K', 5, 0x85, (byte)'K', 1, 0x85]);
        byte[] huge = [.. tensor[..at], (byte)'J', 0xff, 0xff, 0xff, 0x7f, 0x85, (byte)'K', 0, .. tensor[(at + 5)..]];
        Arrays.Refused(() => PickleReader.Read(huge, "x.pkl"), "more memory than it has content");
    }

    [Fact]
    public void One_list_that_is_made_into_dictionaries_again_and_again_is_refused()
    {
        // A list of 1000 pairs, then OrderedDict(that list) 2000 times: six bytes each, a hundred kilobytes of memory each.
        byte[] bytes =
        [
            0x80, 2, .. "ccollections\nOrderedDict\nq\u0001]q\0("u8,
            .. Enumerable.Range(0, 1000).SelectMany(i => (byte[])[(byte)'M', (byte)i, (byte)(i >> 8), (byte)'N', 0x86]), (byte)'e',
            .. Enumerable.Repeat((byte[])[(byte)'h', 1, (byte)'h', 0, 0x85, (byte)'R'], 2000).SelectMany(call => call), (byte)'.',
        ];
        Arrays.Refused(() => PickleReader.Read(bytes, "x.pkl"), "more memory than it has content");
    }

    [Fact]
    public void Small_tensors_in_a_pickle_cost_memory_in_proportion()
    {
        // Each holds a stream of four pickles with memos of their own, which once took 98 KB apiece.
        var tensors = Written(Enumerable.Range(0, 200).Select(object? (i) => new TorchTensor(Arrays.Singles([1], i))).ToList());
        var before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Equal(200, Assert.IsType<List<object?>>(PickleReader.Read(tensors, "x.pkl")).Count);
        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        Assert.True(allocated < 100L * tensors.Length, $"{allocated} bytes for {tensors.Length}");
    }

    [Fact]
    public void Damaged_pickles_end_in_user_errors()
    {
        for (var protocol = 2; protocol <= 5; protocol++) Mutations.OnlyUserErrors(PythonPickles.Protocol(protocol), bytes => PickleReader.Read(bytes, "x.pkl"));
        var captions = Captions(40);
        Mutations.OnlyUserErrors(captions, bytes => PickleReader.ReadTopLevelDictionary(new MemoryStream(bytes), "x.pkl", (_, _) => { }));
    }

    [Fact]
    public void Numbers_of_protocol_0_and_1_are_read() =>
        Assert.Equal([7L, 8L, true, 1.5], Assert.IsType<List<object?>>(PickleReader.Read("(lp0\nI7\naL8L\naI01\naF1.5\na."u8.ToArray(), "x")));

    [Fact]
    public void A_list_shared_with_an_earlier_batch_is_refused_when_streaming()
    {
        // {'a': [], then in another batch 'b': the same list}
        var bytes = "\u007d\u0028X\u0001\0\0\0a]q\u0005uX\u0001\0\0\0bh\u0005s."u8.ToArray();
        Assert.Equal(2, Dictionary(PickleReader.Read(bytes, "x")).Count);
        Arrays.Refused(() => PickleReader.ReadTopLevelDictionary(new MemoryStream(bytes), "x", (_, _) => { }), "shares a list");
    }

    [Fact]
    public void Captions_are_handed_over_one_by_one()
    {
        var names = new List<string>();
        PickleReader.ReadTopLevelDictionary(new MemoryStream(Captions(2500)), "captions", (name, value) =>
        {
            names.Add(name);
            var entry = Dictionary(value);
            Assert.Equal([$"words of {name}"], Assert.IsType<PackedList>(entry["text"]));
            Assert.Equal([0.5], Assert.IsType<PackedList>(entry["start"]).Numbers);
        });
        Assert.Equal(Enumerable.Range(0, 2500).Select(i => $"video{i}"), names);
    }

    [Fact]
    public void A_streamed_pickle_must_be_a_dictionary()
    {
        Arrays.Refused(() => PickleReader.ReadTopLevelDictionary(new MemoryStream(Written(new List<object?> { 1L })), "x", (_, _) => { }), "not one dictionary");
        PickleReader.ReadTopLevelDictionary(new MemoryStream(Written(new Dictionary<string, object?>())), "x", (_, _) => Assert.Fail("empty"));
    }

    [Fact]
    public void Pythons_captions_are_streamed_in_every_protocol()
    {
        Python.SkipUnlessPresent();
        using var folder = new TempFolder();
        const string Script = "import pickle,sys,numpy as np; pickle.dump({'v%d'%i: {'start': [i*1.0], 'end': np.array([i+1.0]), 'text': ['caption '+str(i)]} for i in range(3000)}, open(sys.argv[1],'wb'), int(sys.argv[2]))";
        foreach (var protocol in (string[])["2", "3", "4", "5"])
        {
            Python.Output(Script, folder.File("c.pickle"), protocol);
            var count = 0;
            PickleReader.ReadTopLevelDictionary(folder.File("c.pickle"), (name, value) =>
            {
                Assert.Equal($"v{count}", name);
                Assert.Equal([count + 1.0], Assert.IsType<HostArray>(Dictionary(value)["end"]).As<double>().ToArray());
                Assert.Equal([$"caption {count++}"], Assert.IsType<PackedList>(Dictionary(value)["text"]));
            });
            Assert.Equal(3000, count);
        }
    }

    [Fact]
    public void The_golden_captions_equal_their_json()
    {
        var (pickle, json) = (SharedData.Find("golden/caption.pickle"), SharedData.Find("golden/caption.json"));
        Assert.SkipWhen(pickle is null || json is null, SharedData.SkipReason);
        using var expected = JsonDocument.Parse(File.ReadAllBytes(json!));
        var streamed = new Dictionary<object, object?>();
        PickleReader.ReadTopLevelDictionary(pickle!, (name, value) => streamed.Add(name, value));
        foreach (var captions in (Dictionary<object, object?>[])[Dictionary(PickleReader.Read(pickle!)), streamed])
        {
            foreach (var video in expected.RootElement.EnumerateObject())
            {
                var entry = Dictionary(captions[video.Name]);
                Assert.Equal(video.Value.GetProperty("text").EnumerateArray().Select(t => t.ToString()), ((IReadOnlyList<object?>)entry["text"]!).Select(t => $"{t}"));
                Assert.Equal(video.Value.GetProperty("start").EnumerateArray().Select(t => t.GetDouble()), ((IReadOnlyList<object?>)entry["start"]!).Select(Convert.ToDouble));
            }
        }
    }

    [Fact]
    public void The_golden_evaluation_set_is_read()
    {
        var path = SharedData.Find("golden/youcook_like.pkl");
        Assert.SkipWhen(path is null, SharedData.SkipReason);
        var clips = Assert.IsType<List<object?>>(PickleReader.Read(path!));
        Assert.Equal(6, clips.Count);
        var first = Dictionary(clips[0]);
        Assert.Equal([48L], Assert.IsType<HostArray>(first["2d"]).Shape);
        Assert.Equal([40L, 30L], Assert.IsType<HostArray>(first["audio"]).Shape);
    }

    [Theory]
    [InlineData("val.pkl", 200)]
    [InlineData("test-shared.pkl", 500)]
    public void The_evaluation_sets_of_the_digits_are_read(string name, int count)
    {
        var path = SharedData.Find("data/digits-3m/" + name);
        Assert.SkipWhen(path is null, SharedData.SkipReason);
        var clips = Assert.IsType<List<object?>>(PickleReader.Read(path!));
        Assert.Equal(count, clips.Count);
        foreach (var clip in clips.Select(Dictionary))
        {
            Assert.Equal([64L], Assert.IsType<HostArray>(clip["2d"]).Shape);
            Assert.Equal([64L], Assert.IsType<HostArray>(clip["3d"]).Shape);
            var audio = Assert.IsType<HostArray>(clip["audio"]);
            Assert.Equal(40, audio.Shape[0]);
            Assert.All(audio.ToSingles(), v => Assert.InRange(v, -80.5f, 0));
            Assert.IsType<string>(clip["caption"]);
        }
    }

    [Fact]
    public void The_captions_of_the_digits_are_read()
    {
        var path = SharedData.Find("data/digits-3m/train/caption.pickle");
        Assert.SkipWhen(path is null, SharedData.SkipReason);
        var (videos, captions) = (0, 0);
        PickleReader.ReadTopLevelDictionary(path!, (_, value) =>
        {
            videos++;
            captions += ((IReadOnlyList<object?>)Dictionary(value)["text"]!).Count;
        });
        Assert.Equal((300, 2725), (videos, captions));
    }

    internal static Dictionary<object, object?> Dictionary(object? value) => Assert.IsType<Dictionary<object, object?>>(value);

    internal static byte[] Written(object? value)
    {
        using var stream = new MemoryStream();
        PickleWriter.Write(stream, value);
        return stream.ToArray();
    }

    static byte[] Captions(int count)
    {
        var captions = new Dictionary<string, object?>();
        for (var i = 0; i < count; i++)
        {
            captions[$"video{i}"] = new Dictionary<string, object?>
            {
                ["start"] = new List<object?> { 0.5 }, ["end"] = new List<object?> { 1.5 }, ["text"] = new List<object?> { $"words of video{i}" },
            };
        }

        return Written(captions);
    }
}
