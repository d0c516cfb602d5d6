using System.Text;
using Mcn.Web.Shared;

namespace Mcn.Web.Trainer.Import;

/// <summary>
/// Reads arrays from .npz archives: the hot path of training, several files per sample. One instance per reader thread; buffers are
/// kept, so after the first files nothing large is allocated (except for Fortran-order arrays).
/// </summary>
/// <param name="meter">Counts what is read from files.</param>
public sealed class NpzReader(ReadMeter? meter = null) : IDisposable
{
    readonly ZipReader _zip = new(meter);
    string _key = "";
    byte[] _memberName = [];

    /// <summary>The array under a key. Its memory is valid until the next call on this instance.</summary>
    public HostArray Read(string path, string key)
    {
        _zip.File.Open(path);
        return ReadMember(key);
    }

    /// <summary>The same from bytes in memory; <paramref name="subject"/> names them in messages.</summary>
    public HostArray Read(byte[] archive, string subject, string key)
    {
        _zip.File.Use(archive, subject);
        return ReadMember(key);
    }

    public void Dispose() => _zip.Dispose();

    HostArray ReadMember(string key)
    {
        if (_key != key || _memberName.Length == 0)
        {
            _memberName = Encoding.UTF8.GetBytes(key + ".npy");
            _key = key;
        }

        var subject = $"{_zip.File.Path} : {key}";
        if (!_zip.TryFind(_memberName, out var member)) throw MissingKey(key);
        return Npy.Read(_zip.Read(member, subject), subject);
    }

    UserError MissingKey(string key)
    {
        var names = _zip.List();
        var found = string.Join(", ", names.Take(12).Select(m => Refusal.Show(KeyOf(m.Name)))) + (names.Count > 12 ? $", ... ({names.Count} in all)" : "");
        return new UserError(_zip.File.Path, found.Length == 0 ? "the archive has no arrays" : $"the keys are {found}", $"key '{key}'", "Save the array under this key (numpy.savez)");
    }

    internal static string KeyOf(string memberName) => memberName.EndsWith(".npy", StringComparison.Ordinal) ? memberName[..^4] : memberName;
}
