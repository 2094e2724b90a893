set -euo pipefail
curl -H "Authorization: Bearer YOUR_TOKEN_HERE" \
     -H "Accept: application/json" \
     https://app.betahub.io/projects.json
echo
# Option 1: Using .json extension
curl -H "Authorization: Bearer YOUR_TOKEN_HERE" \
     https://app.betahub.io/projects.json
echo
# Option 2: Using Accept header
curl -H "Authorization: Bearer YOUR_TOKEN_HERE" \
     -H "Accept: application/json" \
     https://app.betahub.io/projects
echo
# Set in your environment
export BETAHUB_TOKEN="your_token_here"

# Use in scripts
curl -H "Authorization: Bearer $BETAHUB_TOKEN" \
     -H "Accept: application/json" \
     https://app.betahub.io/projects.json
