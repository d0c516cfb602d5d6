using Mcn.Web.Trainer.Import;

namespace Mcn.Web.Trainer.Data.Shards;

/// <summary>The arrays that a record may have; each is followed by the scales of its rows in 8 bits.</summary>
enum ShardArray : byte
{
    Features2d,
    Features2dScales,
    Features3d,
    Features3dScales,
    Pooled2d,
    Pooled2dScales,
    Pooled3d,
    Pooled3dScales,
    Spectrogram,
    SpectrogramScales,
}

/// <summary>Where an array of a record lies in its shard. Its rows are what lies together: a caption, a second of features, a frame of sound.</summary>
/// <param name="Offset">Of the npy member, in the shard.</param>
/// <param name="HeaderBytes">Of the npy header.</param>
/// <param name="Rows">Rows; of a spectrogram: frames.</param>
/// <param name="Columns">Values of a row; of a spectrogram: mel bands.</param>
/// <param name="Hash">XXH3-64 of the member.</param>
readonly record struct ShardPart(ShardArray Array, ArrayType Type, short HeaderBytes, int Rows, int Columns, long Offset, ulong Hash)
{
    public int RowBytes => Columns * HostArray.SizeOf(Type);

    /// <summary>Of the npy member.</summary>
    public int Length => HeaderBytes + (Rows * RowBytes);

    /// <summary>The array of a member, from its line in the index.</summary>
    /// <exception cref="Shared.UserError">The line contradicts itself.</exception>
    public static ShardPart Of(ShardMember member, long shardBytes, string index)
    {
        var array = ShardFormat.ArrayOf(member.Name)
            ?? throw new Shared.UserError(index, $"a member {member.Name}", "names of this version", "A newer program made this pack: update this one");
        var type = member.Dtype is { Length: > 1 } dtype ? ArrayLayout.FromNumpy(dtype[1..]) : null;
        if (type is { } known && member.Shape is [>= 0, >= 0] shape && ArrayLayout.TryByteCount(known, shape, out var bytes)
            && member.Offset >= 0 && member.Length is >= 0 and < int.MaxValue && member.Offset + member.Length <= shardBytes && member.Length - bytes is > 0 and < short.MaxValue and var header)
        {
            var (rows, columns) = array == ShardArray.Spectrogram ? (shape[1], shape[0]) : (shape[0], shape[1]);
            return new ShardPart(array, known, (short)header, (int)rows, (int)columns, member.Offset,
                ulong.Parse(member.Xxh3, System.Globalization.NumberStyles.HexNumber, System.Globalization.CultureInfo.InvariantCulture));
        }

        throw new Shared.UserError(index, $"{member.Name}: {member.Length} bytes at {member.Offset} for shape ({string.Join(", ", member.Shape ?? [])}) of {member.Dtype}",
            $"a matrix inside the shard's {shardBytes} bytes", ShardCheck.Remedy);
    }
}
