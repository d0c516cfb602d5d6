using Mcn.Web.Trainer.Data.Shards;
using Mcn.Web.Trainer.Tests.Import;

namespace Mcn.Web.Trainer.Tests.Data.Shards;

/// <summary>The judge of the format: Python's own tarfile and NumPy, against the files that were packed.</summary>
public sealed class PythonReadsPacksTests
{
    /// <summary>Reads every member of every shard, follows the index, and compares with the npz and the captions.</summary>
    const string Script = """
        import glob, io, json, pickle, sys, tarfile
        import numpy as np
        pack, features, captions, encoding = sys.argv[1:]
        said = pickle.load(open(captions, 'rb'))
        assert pickle.load(open(pack + '/caption.pickle', 'rb')) == said
        manifest = json.load(open(pack + '/manifest.json'))
        count = 0
        for shard in manifest['shards']:
            index = json.load(open(pack + '/' + shard['tar'].replace('.tar', '.index.json')))
            raw = open(pack + '/' + shard['tar'], 'rb').read()
            assert len(raw) == shard['bytes']
            members = {}
            with tarfile.open(pack + '/' + shard['tar']) as tar:
                for member in tar.getmembers():
                    members[member.name] = (member.offset_data, tar.extractfile(member).read())
            for record in index['records']:
                id = record['path'].split('/')[-1]
                arrays = {}
                for entry in record['members']:
                    offset, content = members.pop(entry['name'])
                    assert entry['offset'] == offset and entry['length'] == len(content)
                    assert raw[offset:offset + len(content)] == content
                    if entry['name'].endswith('.npy'):
                        array = np.load(io.BytesIO(content))
                        assert list(array.shape) == entry['shape'] and array.dtype.str == entry['dtype'], (array.dtype.str, entry)
                        arrays[entry['name'][len(id) + 1:-4]] = array
                    else:
                        text = json.loads(content)
                        assert text == dict(id=id, **said[id]), text
                def original(kind, key): return np.load(f"{features}/{record['path']}/{id}_{kind}.npz")[key]
                def expand(name):
                    scale = arrays[name + '.scale']
                    return arrays[name].astype(np.float32) * scale[:, :1] + scale[:, 1:]
                if encoding == 'fp16':
                    for name, kind, key in (('2d', '2d', 'features'), ('3d', '3d', 'features'), ('mel', 'spec', 'arr_0')):
                        there = original(kind, key)
                        assert arrays[name].dtype == there.dtype and (arrays[name] == there).all()
                else:
                    assert np.abs(expand('mel') - original('spec', 'arr_0').astype(np.float32)).max() <= 80 / 255 / 2 + 1e-4
                    if encoding == 'u8':
                        for name in ('2d', '3d'):
                            there = original(name, 'features').astype(np.float32)
                            step = (there.max(1, keepdims=True) - there.min(1, keepdims=True)) / 255
                            assert (np.abs(expand(name) - there) <= step / 2 + 1e-4).all()
                    else:
                        for name in ('2d_pooled', '3d_pooled'):
                            rows = expand(name)
                            assert len(rows) == len(said[id]['start'])
                            assert np.allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-4)
                count += 1
            assert not members, members
        print(count)
        """;

    [Theory]
    [InlineData(PackEncoding.Fp16, "fp16")]
    [InlineData(PackEncoding.U8, "u8")]
    [InlineData(PackEncoding.PooledU8, "pooled-u8")]
    public void Tarfile_and_numpy_find_every_member_and_the_same_values(PackEncoding encoding, string name)
    {
        Python.SkipUnlessPresent();
        using var set = new SmallSet(9);
        set.Captions["v4"] = SmallSet.Caption(SmallSet.Starts(), SmallSet.Ends(), Enumerable.Range(0, 10).Select(object? (i) => $"ねぎ \"{i}\" é\n").ToList());
        set.WriteCaptions();
        using var packs = new PackedSet(set.Config);
        var packed = packs.Pack(encoding);
        Assert.Equal("9", Python.Output(Script, packed.Data.Shards, set.PathOf("features"), set.PathOf("caption.pickle"), name));
    }
}
