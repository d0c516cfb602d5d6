using System.Net;

namespace Mcn.Web.Dashboard.Configuration;

/// <summary>What the command line decides. Made by <see cref="Parse"/>, which tells every mistake at once.</summary>
public sealed record DashboardOptions
{
    public const string Usage = """
        usage: Mcn.Web.Dashboard --data DIR [--listen ADDRESS:PORT] [--trainer-key-file FILE]
                                 [--tls-certificate FILE.pem --tls-key FILE.pem] [--insecure-lan]

          --data DIR               data folder; the dashboard keeps its own things in DIR/dashboard
          --listen ADDRESS:PORT    default 127.0.0.1:8080; any other than a loopback address needs TLS or --insecure-lan
          --trainer-key-file FILE  key of the trainer on this machine; made at the first start
          --tls-certificate FILE   certificate (PEM) to serve https with; needs --tls-key
          --insecure-lan           serve plain http beyond this machine: passwords cross the network in the clear
        """;

    public required string Data { get; init; }

    public IPEndPoint Listen { get; init; } = new(IPAddress.Loopback, 8080);

    public string? TrainerKeyFile { get; init; }

    public string? TlsCertificate { get; init; }

    public string? TlsKey { get; init; }

    public bool InsecureLan { get; init; }

    /// <summary>Seq server of MCN_SEQ_URL, or null.</summary>
    public string? SeqUrl { get; init; }

    /// <summary>Key for Seq of MCN_SEQ_API_KEY, or null.</summary>
    public string? SeqApiKey { get; init; }

    public bool UsesTls => TlsCertificate is not null;

    /// <summary>The options, or null and at least one mistake.</summary>
    public static DashboardOptions? Parse(IReadOnlyList<string> args, out IReadOnlyList<string> mistakes)
    {
        var found = new List<string>();
        mistakes = found;
        var values = ReadPairs(args, found);

        if (!values.TryGetValue("--data", out var data)) found.Add("--data: found nothing; expected a folder. Add --data DIR");
        var listen = new IPEndPoint(IPAddress.Loopback, 8080);
        if (values.TryGetValue("--listen", out var address))
        {
            if (address is not null && address.Contains(':') && IPEndPoint.TryParse(address.Replace("localhost", "127.0.0.1", StringComparison.Ordinal), out var parsed)) listen = parsed;
            else found.Add($"--listen: found {address}; expected ADDRESS:PORT with a numeric address, for example 127.0.0.1:8080");
        }

        var certificate = values.GetValueOrDefault("--tls-certificate");
        var key = values.GetValueOrDefault("--tls-key");
        if (certificate is null != key is null) found.Add("--tls-certificate and --tls-key: found one of the two; expected both or neither");
        foreach (var (option, file) in new[] { ("--tls-certificate", certificate), ("--tls-key", key) })
            if (file is not null && !File.Exists(file)) found.Add($"{option}: {file}: no such file");

        var insecure = values.ContainsKey("--insecure-lan");
        if (!IPAddress.IsLoopback(listen.Address) && certificate is null && !insecure)
        {
            found.Add($"--listen: found {listen}, which others can reach, without TLS; expected a loopback address, --tls-certificate with --tls-key, "
                + "or --insecure-lan when you accept that passwords cross the network in the clear");
        }

        return found.Count > 0 ? null : new DashboardOptions
        {
            Data = Path.GetFullPath(data!),
            Listen = listen,
            TrainerKeyFile = values.GetValueOrDefault("--trainer-key-file") is { } file2 ? Path.GetFullPath(file2) : null,
            TlsCertificate = certificate,
            TlsKey = key,
            InsecureLan = insecure,
            SeqUrl = Environment.GetEnvironmentVariable("MCN_SEQ_URL") is { Length: > 0 } url ? url : null,
            SeqApiKey = Environment.GetEnvironmentVariable("MCN_SEQ_API_KEY") is { Length: > 0 } seqKey ? seqKey : null,
        };
    }

    static Dictionary<string, string?> ReadPairs(IReadOnlyList<string> args, List<string> mistakes)
    {
        var values = new Dictionary<string, string?>(StringComparer.Ordinal);
        for (var i = 0; i < args.Count; i++)
        {
            // --option=value is --option value.
            var (name, inline) = args[i].Split('=', 2) is [var left, var right] && left.StartsWith("--", StringComparison.Ordinal) ? (left, right) : (args[i], null);
            switch (name)
            {
                case "--insecure-lan":
                    values[name] = null;
                    break;
                case "--data" or "--listen" or "--trainer-key-file" or "--tls-certificate" or "--tls-key":
                    var value = inline ?? (i + 1 < args.Count && !args[i + 1].StartsWith("--", StringComparison.Ordinal) ? args[++i] : null);
                    if (string.IsNullOrEmpty(value)) mistakes.Add($"{name}: found no value after it");
                    else if (!values.TryAdd(name, value)) mistakes.Add($"{name}: found twice; expected once");
                    break;
                default:
                    mistakes.Add($"{args[i]}: no such option");
                    break;
            }
        }

        return values;
    }
}
