using Mcn.Web.Shared.Telemetry;

namespace Mcn.Web.Trainer.Host;

/// <summary>Turns findings, sample after sample, into alerts: each raised once and cleared once.</summary>
sealed class AlertLatch
{
    readonly Dictionary<(string Code, string Subject), Alert> standing = [];

    /// <summary>Raised and not cleared yet.</summary>
    public IReadOnlyCollection<Alert> Standing => [.. standing.Values];

    public IReadOnlyList<Alert> Take(IEnumerable<Finding> findings)
    {
        var alerts = new List<Alert>();
        foreach (var finding in findings)
        {
            var key = (finding.Code, finding.Subject);
            switch (finding.Health)
            {
                case Health.Bad when !standing.ContainsKey(key):
                    standing[key] = new Alert { Code = finding.Code, Text = finding.Text, Parameters = finding.Parameters };
                    alerts.Add(standing[key]);
                    break;
                case Health.Good when standing.Remove(key):
                    alerts.Add(new Alert { Code = finding.Code + "_cleared", Text = finding.ClearedText, Parameters = finding.Parameters });
                    break;
            }
        }

        return alerts;
    }
}
